import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import tls from 'node:tls'
import { DrayError, systemErrorCode } from '../errors.ts'

export interface TlsSettings {
  /** PEM or DER files whose CAs are trusted besides Node's own. */
  readonly caFiles?: readonly string[] | undefined
  /** Certificates are not verified. */
  readonly insecure?: boolean | undefined
}

/**
 * Reads the settings' files and gives the TLS options for a connection to an origin. Node's own variable for switching
 * verification off has no say. Throws FILE for a file that cannot be read, USAGE for one that holds no certificate.
 */
export async function loadTls(settings: TlsSettings = {}): Promise<(origin: URL) => tls.ConnectionOptions> {
  const extra = (await Promise.all((settings.caFiles ?? []).map(readCertificates))).flat()
  let secureContext: tls.SecureContext | undefined
  return () => {
    secureContext ??= createContext(extra)
    return { secureContext, rejectUnauthorized: settings.insecure !== true, ALPNProtocols: ['http/1.1'] }
  }
}

/** Parsing a hundred CAs takes a while: once, and only when there is something to connect to. */
function createContext(extra: readonly string[]): tls.SecureContext {
  // Without `ca`, Node trusts what it is set up to trust; with it, that has to be named.
  const ca = extra.length > 0 ? { ca: [...trustedByDefault(), ...extra] } : {}
  return tls.createSecureContext({ minVersion: 'TLSv1.2', ...ca })
}

/** Since Node 22.15 there is a function that knows of `--use-system-ca` and the like. */
function trustedByDefault(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  return getCACertificates?.('default') ?? tls.rootCertificates
}

async function readCertificates(file: string): Promise<readonly string[]> {
  const bytes = await readFile(file).catch((error) => {
    throw new DrayError(
      'FILE',
      `the CA file ${file} cannot be read: ${systemErrorCode(error) ?? error.message}`,
      {
        hint: 'check the path and its permissions',
        cause: error,
      },
    )
  })
  const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs)
  try {
    return (blocks ?? [bytes]).map((block) => new X509Certificate(block).toString())
  } catch (error) {
    throw new DrayError('USAGE', `the CA file ${file} holds no certificate that can be read`, {
      hint: 'it has to be PEM (-----BEGIN CERTIFICATE-----) or DER; a key or a PKCS#12 file will not do',
      cause: error,
    })
  }
}
