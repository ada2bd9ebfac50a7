import { delimiter } from 'node:path'
import { DrayError, isDrayError } from '../errors.ts'
import { decodeCertificates, readCertificateDirectory, readCertificates } from '../http/certificates.ts'
import { readClientCertificate } from '../http/client-certificate.ts'
import type { ClientCertificate, TlsSettings } from '../http/tls.ts'
import { type Environment, variable } from './environment.ts'
import type { Flags } from './flags.ts'

export interface ReadTlsSettings {
  readonly settings: TlsSettings
  /** For the registries that the command names only. */
  readonly clientCertificate?: ClientCertificate
  /** What the user should know about them. */
  readonly warnings: readonly string[]
  /** What has to be said even when nothing else is. */
  readonly alarm?: string
}

type TlsFlags = Pick<Flags, 'ca' | 'cert' | 'key' | 'insecure'>

/**
 * Whom to trust: `--ca`, then what OpenSSL, Node and npm are told by variables, all of it besides Node's own CAs. What a flag
 * names has to be there and make sense (FILE, USAGE); of a variable's, what does not is left out with a warning, as Node does.
 */
export async function readTlsSettings(flags: TlsFlags, env: Environment): Promise<ReadTlsSettings> {
  const warnings: string[] = []
  const fromVariables = await readVariables(env, (message) => warnings.push(message))
  const clientCertificate = await readCertificateFlags(flags)
  const insecureBy = insecureSetting(flags, env)
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0' && !insecureBy) warnings.push(verifiedAnyway)
  return {
    settings: {
      ...fromVariables,
      caFiles: [...(flags.ca ?? []), ...fromVariables.caFiles],
      insecure: insecureBy !== undefined,
    },
    ...(clientCertificate && { clientCertificate }),
    warnings,
    ...(insecureBy && {
      alarm: `TLS certificates are not verified (${insecureBy}): anyone on the way can read along`,
    }),
  }
}

const verifiedAnyway =
  'NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored, certificates are verified; --insecure turns that off'

interface FromVariables {
  readonly caFiles: readonly string[]
  readonly caDirectories: readonly string[]
  readonly caTexts: readonly string[]
}

async function readVariables(env: Environment, warn: (message: string) => void): Promise<FromVariables> {
  const isUsable = async (name: string, path: string, read: (path: string) => Promise<unknown>) => {
    try {
      await read(path)
      return true
    } catch (error) {
      if (!isDrayError(error)) throw error
      // Node itself complains about its own variable.
      if (name !== 'NODE_EXTRA_CA_CERTS') warn(`${name}: ${error.message}; it is left out`)
      return false
    }
  }
  const caFiles: string[] = []
  for (const [name, file] of caFileVariables(env)) {
    if (await isUsable(name, file, readCertificates)) caFiles.push(file)
  }
  const caDirectories: string[] = []
  for (const directory of variable(env, 'SSL_CERT_DIR')?.split(delimiter).filter(Boolean) ?? []) {
    if (await isUsable('SSL_CERT_DIR', directory, readCertificateDirectory)) caDirectories.push(directory)
  }
  return { caFiles, caDirectories, caTexts: npmCertificates(env) }
}

/** Node trusts NODE_EXTRA_CA_CERTS by itself, but no longer once it is given a list of CAs. */
function caFileVariables(env: Environment): readonly (readonly [string, string])[] {
  const names = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', ...npmNames('cafile')]
  return names.flatMap((name) => {
    const file = variable(env, name)
    return file === undefined || (file === 'null' && name.toLowerCase() === 'npm_config_cafile')
      ? []
      : [[name, file] as const]
  })
}

/** npm's `ca` is the certificates themselves, their line ends as `\n` or as such. */
function npmCertificates(env: Environment): readonly string[] {
  const text = variable(env, ...npmNames('ca'))
  return text === undefined ? [] : decodeCertificates(text.replaceAll('\\n', '\n'))
}

/** npm writes its settings in lower case, and leaves those alone that it got from a variable in upper case. */
function npmNames(key: string): readonly string[] {
  return [`npm_config_${key}`, `NPM_CONFIG_${key.toUpperCase()}`]
}

/** What switches verification off, or undefined. Who names a CA wants it verified, whatever npm is set to. */
function insecureSetting({ insecure, ca }: TlsFlags, env: Environment): string | undefined {
  if (insecure) return '--insecure'
  if (ca !== undefined) return undefined
  // npm passes a false setting on as an empty text.
  return npmNames('strict_ssl').some((name) => env[name] === 'false' || env[name] === '')
    ? "npm's strict-ssl=false; --ca FILE turns it on"
    : undefined
}

async function readCertificateFlags({ cert, key }: TlsFlags): Promise<ClientCertificate | undefined> {
  if (cert === undefined && key === undefined) return undefined
  if (!cert) {
    throw new DrayError('USAGE', '--key needs a certificate that it is for', {
      hint: 'name it with --cert FILE',
    })
  }
  const files = { certFile: cert, keyFile: key || cert }
  await readClientCertificate(files)
  return files
}
