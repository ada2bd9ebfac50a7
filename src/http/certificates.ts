import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, systemErrorCode } from '../errors.ts'

/**
 * The certificates of a file, PEM (one or many) or DER, as PEM. Throws FILE when it cannot be read, USAGE when it holds no
 * certificate.
 */
export async function readCertificates(file: string): Promise<readonly string[]> {
  const bytes = await readNamedFile('CA file', file)
  const certificates = decodeCertificates(bytes.toString('latin1'))
  if (certificates.length > 0) return certificates
  try {
    return [new X509Certificate(bytes).toString()]
  } catch (cause) {
    throw new DrayError('USAGE', `the CA file ${file} holds no certificate that can be read`, {
      hint: 'it has to be PEM (-----BEGIN CERTIFICATE-----) or DER; a key or a PKCS#12 file will not do',
      cause,
    })
  }
}

/** The certificates of all PEM files in a directory, as OpenSSL's `SSL_CERT_DIR`. Throws FILE when it cannot be listed. */
export async function readCertificateDirectory(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((cause) => {
    throw unreadable('directory of CAs', directory, cause)
  })
  const texts = await Promise.all(names.map((name) => readIfFile(join(directory, name))))
  return texts.flatMap(decodeCertificates)
}

/** The certificates in a PEM text, those that cannot be read left out. */
export function decodeCertificates(text: string): readonly string[] {
  const blocks = text.match(pemCertificate) ?? []
  return [...new Set(blocks)].map(parseCertificate).filter((certificate) => certificate !== undefined)
}

const pemCertificate =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

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
