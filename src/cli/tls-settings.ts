import { delimiter } from 'node:path'
import { DrayError, isDrayError } from '../errors.ts'
import { decodeCertificates, listCertificateDirectory, readCertificates } from '../http/certificates.ts'
import { type LoadedCertificate, readClientCertificate } from '../http/client-certificate.ts'
import type { TlsOptions } from '../network.ts'
import { type Environment, npmSetting, variable, variableIn } from './environment.ts'
import type { Flags } from './flags.ts'

export interface ReadTlsSettings {
  readonly settings: TlsOptions
  /** What the user should know about them. */
  readonly warnings: readonly string[]
  /** What has to be said even when nothing else is. */
  readonly alarms: readonly string[]
}

type TlsFlags = Pick<Flags, 'ca' | 'cert' | 'key' | 'insecure'>

/**
 * Whom to trust: `--ca`, then what OpenSSL, Node and npm are told by variables, all of it besides Node's own CAs. What a flag
 * names has to be there and make sense (FILE, USAGE); of a variable's, what does not is left out with a warning, as Node does.
 */
export async function readTlsSettings(flags: TlsFlags, env: Environment): Promise<ReadTlsSettings> {
  for (const file of flags.ca ?? []) checkNotEmpty('--ca', file)
  checkNotEmpty('--cert', flags.cert)
  checkNotEmpty('--key', flags.key)
  const warnings: string[] = []
  const trusted = await readVariables(env, (message) => warnings.push(message))
  const clientCertificate = await readCertificateFlags(flags)
  const insecureBy = insecureSetting(flags, env)
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0' && !insecureBy) warnings.push(verifiedAnyway)
  return {
    settings: {
      ...trusted,
      caFiles: [...(flags.ca ?? []), ...trusted.caFiles],
      clientCertificate,
      insecure: insecureBy !== undefined,
    },
    warnings,
    alarms: insecureBy
      ? [`TLS certificates are not verified (${insecureBy}): anyone on the way can read along`]
      : [],
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
  const isUsable = async (name: string, reading: Promise<unknown>) => {
    try {
      await reading
      return true
    } catch (error) {
      if (!isDrayError(error)) throw error
      // Node itself complains about its own variable.
      if (name !== 'NODE_EXTRA_CA_CERTS') warn(`${name}: ${error.message}; it is left out`)
      return false
    }
  }
  // Node trusts NODE_EXTRA_CA_CERTS by itself, but no longer once it is given a list of CAs.
  const files = [
    variableIn(env, 'SSL_CERT_FILE'),
    variableIn(env, 'NODE_EXTRA_CA_CERTS'),
    npmSetting(env, 'cafile'),
  ]
  const caFiles: string[] = []
  for (const file of files) {
    if (file && (await isUsable(file.name, readCertificates(file.value)))) caFiles.push(file.value)
  }
  const caDirectories: string[] = []
  for (const directory of variable(env, 'SSL_CERT_DIR')?.split(delimiter).filter(Boolean) ?? []) {
    if (await isUsable('SSL_CERT_DIR', listCertificateDirectory(directory))) caDirectories.push(directory)
  }
  // npm's `ca` is the certificates themselves, their line ends as `\n` or as such.
  const caTexts = decodeCertificates([(npmSetting(env, 'ca')?.value ?? '').replaceAll('\\n', '\n')])
  return { caFiles, caDirectories, caTexts }
}

/** What switches verification off, or undefined. Who names a CA wants it verified, whatever npm is set to. */
function insecureSetting({ insecure, ca }: TlsFlags, env: Environment): string | undefined {
  if (insecure) return '--insecure'
  // To what it runs, npm passes a false setting on as an empty text; an empty variable of anyone else says nothing.
  const isFalse = [env.npm_config_strict_ssl, env.NPM_CONFIG_STRICT_SSL].includes('false')
  const isFalseByNpm = env.npm_config_strict_ssl === '' && variable(env, 'npm_execpath') !== undefined
  return ca === undefined && (isFalse || isFalseByNpm)
    ? "npm's strict-ssl=false; --ca FILE turns it on"
    : undefined
}

async function readCertificateFlags({ cert, key }: TlsFlags): Promise<LoadedCertificate | undefined> {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined) {
    throw new DrayError('USAGE', '--key needs a certificate that it is for', {
      hint: 'name it with --cert FILE',
    })
  }
  return readClientCertificate({ certFile: cert, keyFile: key ?? cert })
}

function checkNotEmpty(flag: string, file: string | undefined): void {
  if (file !== '') return
  throw new DrayError('USAGE', `${flag} names no file: it is empty`, {
    hint: `name one, or leave ${flag} out; is a variable unset?`,
  })
}
