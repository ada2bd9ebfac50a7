import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { DrayError } from '../errors.ts'
import { decodeCertificates, readNamedFile } from './certificates.ts'

/** Where a client certificate and its key are, PEM; one file may hold both. */
export interface ClientCertificate {
  readonly certFile: string
  readonly keyFile: string
}

/** A client certificate with its chain, and its key. */
export interface LoadedCertificate extends ClientCertificate {
  /** PEM, the client's own first. */
  readonly cert: string
  /** PEM, not encrypted. */
  readonly key: string
  /** `rsa`, `ec` and so on. */
  readonly keyType: string
}

/**
 * Reads a client certificate, unless that was done before, and checks that its key fits. Throws FILE for a file that cannot be read, USAGE for one that
 * holds no certificate or key, an encrypted key, or one that belongs to another certificate.
 */
export async function readClientCertificate(
  files: ClientCertificate | LoadedCertificate,
): Promise<LoadedCertificate> {
  if ('keyType' in files) return files
  const { certFile, keyFile } = files
  const certText = (await readNamedFile('client certificate', certFile)).toString('latin1')
  const keyText = keyFile === certFile ? certText : await readKeyFile(keyFile)
  const certificates = decodeCertificates([certText])
  if (certificates.length === 0) throw notPem(`${certFile} holds no certificate that can be read`, 'x509')
  const key = decodeKey(keyText, files)
  // The chain may come in any order; OpenSSL wants the client's own certificate first.
  const own = certificates.find((certificate) => new X509Certificate(certificate).checkPrivateKey(key))
  if (own === undefined) {
    throw new DrayError('USAGE', `the key in ${keyFile} does not belong to the certificate in ${certFile}`, {
      hint: 'name the key that the certificate was made for',
    })
  }
  const cert = [own, ...certificates.filter((certificate) => certificate !== own)].join('')
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { certFile, keyFile, cert, key: pem, keyType: key.asymmetricKeyType ?? '' }
}

async function readKeyFile(file: string): Promise<string> {
  return (await readNamedFile('key of the client certificate', file)).toString('latin1')
}

const pemKey = /-----BEGIN (?<kind>(?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \k<kind>-----/s

function decodeKey(text: string, { certFile, keyFile }: ClientCertificate): KeyObject {
  const block = pemKey.exec(text)?.[0]
  if (block === undefined) {
    throw keyFile === certFile
      ? new DrayError('USAGE', `${certFile} holds no private key`, { hint: 'name its key with --key FILE' })
      : notPem(`${keyFile} holds no private key that can be read`, 'pkey')
  }
  if (/ENCRYPTED/.test(block)) {
    throw new DrayError(
      'USAGE',
      `the private key in ${keyFile} is encrypted, and dray asks for no passphrase`,
      {
        hint: `decrypt it into a file that only you can read: openssl pkey -in ${keyFile} -out FILE`,
      },
    )
  }
  try {
    return createPrivateKey(block)
  } catch (cause) {
    throw notPem(`${keyFile} holds no private key that can be read`, 'pkey', cause)
  }
}

function notPem(message: string, tool: 'x509' | 'pkey', cause?: unknown): DrayError {
  return new DrayError('USAGE', message, {
    hint:
      `it has to be PEM; from DER: openssl ${tool} -inform DER -in FILE.der -out FILE.pem; ` +
      'from a PKCS#12 file: openssl pkcs12 -in FILE.p12 -nodes -out FILE.pem',
    cause,
  })
}
