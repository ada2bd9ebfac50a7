import { posix, win32 } from 'node:path'
import { DrayError, quote } from '../errors.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'

/**
 * The sha256 of a file by the text of a checksum file, as `sha256sum -c` reads it: lines of GNU (`<hex>  <name>`, `*` for
 * binary, `\` before a line with escapes) or of BSD (`SHA256 (<name>) = <hex>`). Of a path only the last part counts.
 * Throws INTEGRITY when no line is about the file.
 */
export function findChecksum(text: string, fileName: string, checksumFile: string): Digest {
  const lines = text.split(/\r?\n/).flatMap((line) => parseLine(line) ?? [])
  const found = lines.find(({ name }) =>
    [name, posix.basename(name), win32.basename(name)].includes(fileName),
  )
  if (found) return found.digest
  const about = lines.slice(0, 3).map(({ name }) => quote(name))
  const message =
    lines.length === 0
      ? `${checksumFile} has no line that sha256sum -c reads`
      : `${checksumFile} is about ${about.join(', ')}, not about ${fileName}`
  throw new DrayError('INTEGRITY', message, {
    hint: 'was the archive renamed? a checksum file names what it is about',
  })
}

interface Line {
  readonly name: string
  readonly digest: Digest
}

function parseLine(line: string): Line | undefined {
  const { escaped, hex, name } =
    /^(?<escaped>\\)?(?<hex>[0-9a-f]{64}) [ *](?<name>.+)$/is.exec(line)?.groups ??
    /^(?<escaped>\\)?SHA256 \((?<name>.+)\) = (?<hex>[0-9a-f]{64})$/is.exec(line)?.groups ??
    {}
  if (hex === undefined || name === undefined) return undefined
  const path = escaped ? name.replace(/\\([\\nr])/g, (_, sign: string) => escapes[sign] ?? sign) : name
  return { name: path, digest: parseDigest(`sha256:${hex.toLowerCase()}`) }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r' }
