import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type CredentialSource, firstOf } from '../auth/credential.ts'
import { dockerConfigSource, dockerConfigTextSource } from '../auth/docker-config.ts'
import { DrayError } from '../errors.ts'
import { parseReference } from '../oci/reference.ts'
import { fileError } from '../streams/file-error.ts'
import type { PullCommand } from './command.ts'
import { type Environment, variable } from './environment.ts'

export interface CredentialsContext {
  readonly env: Environment
  /** Called only when the password is to be read from it. */
  readonly stdin: () => Readable & { readonly isTTY?: boolean }
  readonly onWarning: (message: string) => void
}

/**
 * Who to be at which registry: the user named on the command line or in DRAY_USERNAME, then whatever docker and podman
 * keep, in an order in which both find what they would find. Throws USAGE, and FILE for an --authfile that is not there.
 */
export async function readCredentials(
  { references, flags }: PullCommand,
  context: CredentialsContext,
): Promise<CredentialSource> {
  const { env } = context
  const username = flags.username || variable(env, 'DRAY_USERNAME')
  const password = flags.passwordStdin ? await readPassword(context.stdin()) : variable(env, 'DRAY_PASSWORD')
  const stored = await storedCredentials(flags.authfile, context)
  if (username && password) return firstOf(forRegistriesOf(references, username, password), stored)
  if (username) {
    throw new DrayError('USAGE', `there is no password for the user ${username}`, {
      hint: 'pipe it in with --password-stdin, or set DRAY_PASSWORD',
    })
  }
  if (password) {
    throw new DrayError('USAGE', 'there is a password, but no user name', {
      hint: 'give one with -u, or set DRAY_USERNAME',
    })
  }
  return stored
}

async function readPassword(stdin: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (stdin.isTTY) {
    throw new DrayError('USAGE', '--password-stdin does not ask on a terminal', {
      hint: 'pipe the password in, as in … --password-stdin < password.txt',
    })
  }
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
  if (password) return password
  throw new DrayError('USAGE', '--password-stdin found nothing on stdin')
}

/** The password goes to the registries that the user named, never to one that something else points to. */
function forRegistriesOf(
  references: readonly string[],
  username: string,
  password: string,
): CredentialSource {
  const registries = new Set(references.map((reference) => parseReference(reference).registry))
  return {
    find: async (registry) => (registries.has(registry) ? { kind: 'basic', username, password } : undefined),
  }
}

async function storedCredentials(
  authfile: string | undefined,
  { env, onWarning }: CredentialsContext,
): Promise<CredentialSource> {
  if (authfile) {
    await access(authfile).catch((cause) => {
      throw fileError(`read the --authfile ${authfile}`, cause)
    })
    return dockerConfigSource(authfile, { onWarning })
  }
  const text = variable(env, 'DOCKER_AUTH_CONFIG')
  const files = credentialFiles(env).map((file) => dockerConfigSource(file, { onWarning }))
  return text
    ? firstOf(dockerConfigTextSource(text, 'DOCKER_AUTH_CONFIG', { onWarning }), ...files)
    : firstOf(...files)
}

/** A file or directory that a variable names is the only one; otherwise podman's places come before docker's. */
export function credentialFiles(env: Environment, platform: string = process.platform): readonly string[] {
  const registryAuthFile = variable(env, 'REGISTRY_AUTH_FILE')
  if (registryAuthFile) return [registryAuthFile]
  const dockerConfig = variable(env, 'DOCKER_CONFIG')
  if (dockerConfig) return [join(dockerConfig, 'config.json')]
  const home = homedir()
  return [
    ...(platform === 'linux' ? [runtimeAuthFile(env)] : []),
    join(variable(env, 'XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json'),
    join(home, '.docker', 'config.json'),
  ]
}

/** Where podman keeps a login until the next boot. */
function runtimeAuthFile(env: Environment): string {
  const directory = variable(env, 'XDG_RUNTIME_DIR')
  return directory
    ? join(directory, 'containers', 'auth.json')
    : `/run/containers/${process.getuid?.() ?? 0}/auth.json`
}
