import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, systemErrorCode } from '../errors.ts'

/**
 * The text of a file with certificates, PEM (one or many) or DER, as PEM. Throws FILE when it cannot be read, USAGE when it
 * holds no certificate. Only one is parsed: a hundred take longer than a small pull.
 */
export async function readCertificates(file: string): Promise<string> {
  const bytes = await readNamedFile('CA file', file)
  const text = bytes.toString('latin1')
  for (const [block] of text.matchAll(pemCertificate)) if (parseCertificate(block)) return text
  try {
    return new X509Certificate(bytes).toString()
  } catch (cause) {
    throw new DrayError('USAGE', `the CA file ${file} holds no certificate that can be read`, {
      hint: 'it has to be PEM (-----BEGIN CERTIFICATE-----) or DER; a key or a PKCS#12 file will not do',
      cause,
    })
  }
}

/**
 * Lists a directory as OpenSSL's `SSL_CERT_DIR`; what is returned reads the texts of its PEM files. Throws FILE when it cannot
 * be listed.
 */
export async function listCertificateDirectory(directory: string): Promise<() => Promise<readonly string[]>> {
  const names = await readdir(directory).catch((cause) => {
    throw unreadable('directory of CAs', directory, cause)
  })
  return () => Promise.all(names.map((name) => readIfFile(join(directory, name))))
}

/**
 * The certificates in PEM texts, each once; left out are those that are `known`, which are not parsed, and those that cannot
 * be read.
 */
export function decodeCertificates(
  texts: readonly string[],
  known: readonly string[] = [],
): readonly string[] {
  const knownBodies = new Set(known.map(bodyOf))
  const blocks = new Map(
    texts.flatMap((text) => text.match(pemCertificate) ?? []).map((block) => [bodyOf(block), block]),
  )
  return [...blocks]
    .filter(([body]) => !knownBodies.has(body))
    .map(([, block]) => parseCertificate(block))
    .filter((certificate) => certificate !== undefined)
}

const pemCertificate =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Lines may be of any length and end in any way. */
function bodyOf(block: string): string {
  return block.replace(/-----[^-]+-----|\s+/g, '')
}

function parseCertificate(block: string): string | undefined {
  try {
    return new X509Certificate(block).toString()
  } catch {
    return undefined
  }
}

/** The bytes of a file that somebody has named. Throws FILE, with `what` it is. */
export async function readNamedFile(what: string, file: string): Promise<Buffer> {
  return readFile(file).catch((cause) => {
    throw unreadable(what, file, cause)
  })
}

/** Directories of CAs are full of links, some of them broken. */
async function readIfFile(path: string): Promise<string> {
  try {
    return (await stat(path)).isFile() ? await readFile(path, 'latin1') : ''
  } catch {
    return ''
  }
}

function unreadable(what: string, path: string, cause: unknown): DrayError {
  const reason = systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  return new DrayError('FILE', `the ${what} ${path} cannot be read: ${reason}`, {
    hint: 'check the path and its permissions',
    cause,
  })
}
