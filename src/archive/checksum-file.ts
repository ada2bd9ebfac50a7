import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors.ts'
import { digestHex, digestOf } from '../oci/digest.ts'
import { createClaim, sweepClaims } from '../streams/claim.ts'
import { fileError } from '../streams/file-error.ts'
import { moveFile } from '../streams/move-file.ts'

/**
 * Throws USAGE when a checksum file beside this archive would make no sense: it goes to a stream, a device or a FIFO; FILE
 * when its place is taken by what is no file.
 */
export async function refuseChecksumOf(path: string): Promise<void> {
  const stats = path === '-' ? undefined : await stat(path).catch(() => undefined)
  if (path === '-' || (stats && !stats.isFile())) {
    throw new DrayError(
      'USAGE',
      `a checksum file stands beside an archive, and ${path} is no file that stays`,
      { hint: 'write the archive to a file, or send it through tee and sha256sum' },
    )
  }
  const place = await lstat(checksumPath(path)).catch(() => undefined)
  if (!place || place.isFile() || place.isSymbolicLink()) return
  throw new DrayError('FILE', `cannot write ${checksumPath(path)}: there is something that is no file`, {
    hint: 'remove it, or name the archive otherwise',
  })
}

/** FILE.sha256. */
export function checksumPath(path: string): string {
  return `${path}.sha256`
}

/**
 * Writes FILE.sha256 beside a finished archive, in the form that `sha256sum -c` reads; it appears when it is whole.
 * Resolves to its path; when it fails, there is none, for an old one would be about another archive. Throws FILE, and the
 * reason of `signal`.
 */
export async function writeChecksumFile(path: string, signal: AbortSignal): Promise<string> {
  const file = checksumPath(path)
  await removeOld(file)
  const line = checksumLine(await hashFile(path, signal), basename(path))
  const stem = join(dirname(path), `.${digestHex(digestOf(basename(path))).slice(0, 16)}.sha256`)
  const claim = createClaim(stem)
  try {
    await writeFile(claim.path, line, { flag: 'wx', flush: true })
    await moveFile(claim.path, file)
  } catch (error) {
    await rm(claim.path, { force: true }).catch(() => {})
    throw fileError(`write ${file}`, error)
  } finally {
    claim.end()
  }
  await sweepClaims(stem, 'file', AbortSignal.abort())
  return file
}

async function removeOld(file: string): Promise<void> {
  try {
    await rm(file, { force: true })
  } catch (error) {
    throw fileError(`replace ${file}`, error)
  }
}

/**
 * The sha256 of a file in hex: an archive is not written from its beginning to its end, so it has to be read for that. Throws
 * FILE, and the reason of `signal`.
 */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw fileError(`read ${path}`, error)
  }
  return hash.digest('hex')
}

/** As `sha256sum` writes it. A line with a name that has line ends or backslashes in it begins with one and has them escaped. */
export function checksumLine(hex: string, name: string): string {
  const escaped = name.replace(/[\\\n\r]/g, (sign) => escapes[sign] ?? sign)
  return `${escaped === name ? '' : '\\'}${hex}  ${escaped}\n`
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }
