import tls from 'node:tls'
import { decodeCertificates, listCertificateDirectory, readCertificates } from './certificates.ts'
import {
  type ClientCertificate,
  type LoadedCertificate,
  readClientCertificate,
} from './client-certificate.ts'
import type { TlsOptions } from './handshake.ts'

export type { ClientCertificate } from './client-certificate.ts'

export interface TlsSettings {
  /** PEM or DER files whose CAs are trusted besides Node's own. */
  readonly caFiles?: readonly string[] | undefined
  /** Directories whose PEM files hold such CAs. */
  readonly caDirectories?: readonly string[] | undefined
  /** Such CAs themselves, PEM. */
  readonly caTexts?: readonly string[] | undefined
  /** Certificates are not verified. */
  readonly insecure?: boolean | undefined
  /** What holds for one origin besides. Asked once per origin, before the first connection to it. */
  readonly forOrigin?: ((origin: URL) => Promise<OriginTls | undefined>) | undefined
}

/** What holds for one origin only. */
export interface OriginTls {
  /** PEM or DER files whose CAs are trusted here too. */
  readonly caFiles?: readonly string[] | undefined
  /** To show when the server asks for one; of several with keys of one kind, the first. */
  readonly clientCertificates?: readonly ClientCertificate[] | undefined
  /** This server's certificate is not verified. */
  readonly insecure?: boolean | undefined
}

/**
 * Reads the settings' files and gives the TLS options for connections to an origin. Node's own variable for switching
 * verification off has no say. Both reject with FILE for a file that cannot be read, USAGE for one that does not hold what
 * it should.
 */
export async function loadTls(settings: TlsSettings = {}): Promise<(origin: URL) => Promise<TlsOptions>> {
  const { insecure = false, forOrigin } = settings
  const readExtra = await openExtraCas(settings)
  let extra: Promise<readonly string[]> | undefined
  let common: tls.SecureContext | undefined
  const known = new Map<string, Promise<TlsOptions>>()

  const load = async (origin: URL): Promise<TlsOptions> => {
    extra ??= readExtra()
    const own = (await forOrigin?.(origin)) ?? {}
    const cas = decodeCertificates(await readAll(own.caFiles, readCertificates))
    const certificates = await readAll(own.clientCertificates, readClientCertificate)
    const isSpecial = cas.length > 0 || certificates.length > 0
    const trusted = isSpecial ? [...(await extra), ...cas] : await extra
    if (!isSpecial) common ??= createContext(trusted, [])
    return {
      secureContext: isSpecial ? createContext(trusted, certificates) : common,
      rejectUnauthorized: !insecure && own.insecure !== true,
      ALPNProtocols: ['http/1.1'],
      clientCertificate: certificates[0]?.certFile,
    }
  }
  return (origin) => {
    const options = known.get(origin.origin) ?? load(origin)
    known.set(origin.origin, options)
    return options
  }
}

/**
 * Makes sure that the settings' CAs can be had. What is returned reads and parses them all, which takes a while: for the first
 * TLS connection, and there may be none. A file may be a pipe, though, and is read but once.
 */
async function openExtraCas(settings: TlsSettings): Promise<() => Promise<readonly string[]>> {
  const { caFiles = [], caDirectories = [], caTexts = [] } = settings
  const files = await readAll([...new Set(caFiles)], readCertificates)
  const directories = await readAll([...new Set(caDirectories)], listCertificateDirectory)
  return async () => {
    const inDirectories = await readAll(directories, (read) => read())
    return decodeCertificates([...files, ...inDirectories.flat(), ...caTexts], trustedByDefault())
  }
}

async function readAll<F, T>(files: readonly F[] = [], read: (file: F) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(files.map(read))
}

/** Parsing a hundred CAs takes a while: only when there is something to connect to, and once where nothing is special. */
function createContext(
  extra: readonly string[],
  certificates: readonly LoadedCertificate[],
): tls.SecureContext {
  // Without `ca`, Node trusts what it is set up to trust; with it, that has to be named.
  const ca = extra.length > 0 ? { ca: [...new Set([...trustedByDefault(), ...extra])] } : {}
  // OpenSSL keeps one certificate for each kind of key.
  const shown = certificates.filter(
    ({ keyType }, index) => certificates.findIndex((each) => each.keyType === keyType) === index,
  )
  const own = { cert: shown.map(({ cert }) => cert), key: shown.map(({ key }) => key) }
  return tls.createSecureContext({ minVersion: 'TLSv1.2', ...ca, ...(shown.length > 0 && own) })
}

/** Since Node 22.15 there is a function that knows of `--use-system-ca` and the like. */
function trustedByDefault(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  return getCACertificates?.('default') ?? tls.rootCertificates
}
