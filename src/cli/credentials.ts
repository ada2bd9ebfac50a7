import { access } from 'node:fs/promises'
import { type CredentialSource, firstOf } from '../auth/credential.ts'
import { type CredentialHelperOptions, credentialHelper } from '../auth/credential-helper.ts'
import {
  type DockerConfigOptions,
  dockerConfigSource,
  dockerConfigTextSource,
  legacyDockerConfigSource,
} from '../auth/docker-config.ts'
import { isDrayError } from '../errors.ts'
import { parseReference } from '../oci/reference.ts'
import { fileError } from '../streams/file-error.ts'
import { credentialFiles } from './credential-files.ts'
import { type Environment, variable } from './environment.ts'
import type { Flags } from './flags.ts'
import { type PasswordContext, readPassword, type UserAndPassword } from './read-password.ts'

export interface CredentialsRequest {
  readonly references: readonly string[]
  readonly flags: Pick<Flags, 'username' | 'passwordStdin' | 'authfile'>
}

export interface CredentialsContext extends PasswordContext {
  readonly onWarning: (message: string) => void
  /** Ends a credential helper that is running. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Who to be at which registry: the user named on the command line or in DRAY_USERNAME, then whatever docker and podman
 * keep, in an order in which both find what they would find. Throws USAGE, and FILE for an --authfile that is not there.
 */
export async function readCredentials(
  { references, flags }: CredentialsRequest,
  context: CredentialsContext,
): Promise<CredentialSource> {
  const user = await readPassword(flags, context)
  const stored = await storedCredentials(flags.authfile, context)
  return user ? firstOf(forRegistriesOf(references, user), stored) : stored
}

/** The password goes to the registries that the user named, never to one that something else points to. */
function forRegistriesOf(references: readonly string[], user: UserAndPassword): CredentialSource {
  const registries = new Set(references.map((reference) => parseReference(reference).registry))
  return {
    find: async (registry) => (registries.has(registry) ? { kind: 'basic', ...user } : undefined),
  }
}

/** What docker and podman keep, in the --authfile or in their own places. */
export async function storedCredentials(
  authfile: string | undefined,
  { env, onWarning, signal }: Omit<CredentialsContext, 'stdin'>,
): Promise<CredentialSource> {
  const options: DockerConfigOptions = { helper: credentialHelper(helperOptions(env, signal)), onWarning }
  if (authfile) {
    await access(authfile).catch((cause) => {
      throw fileError(`read the --authfile ${authfile}`, cause)
    })
    return dockerConfigSource(authfile, { ...options, from: `--authfile ${authfile}`, mayBePipe: true })
  }
  const text = variable(env, 'DOCKER_AUTH_CONFIG')
  const fromVariable = text ? [dockerConfigTextSource(text, 'DOCKER_AUTH_CONFIG', options)] : []
  const fromFiles = credentialFiles(env).map(({ path, legacy, named, mayBePipe }) => {
    const open = legacy ? legacyDockerConfigSource : dockerConfigSource
    const source = open(path, { ...options, mayBePipe })
    // A file that was asked for has to make sense; one that lies about does not stop a pull.
    return named ? source : unlessBroken(source, onWarning)
  })
  return firstOf(...fromVariable.map((source) => unlessBroken(source, onWarning)), ...fromFiles)
}

/** How credential helpers are run here. */
export function helperOptions(env: Environment, signal: AbortSignal | undefined): CredentialHelperOptions {
  // Windows spells it Path.
  const path = Object.entries(env).find(([name]) => name.toUpperCase() === 'PATH')?.[1] ?? ''
  return { path, env, platform: process.platform, signal }
}

/** Goes on without what makes no sense, as docker does, and says so once. */
function unlessBroken(source: CredentialSource, onWarning: (message: string) => void): CredentialSource {
  const said = new Set<string>()
  return {
    find: (registry, repository, onProblem) =>
      source.find(registry, repository).catch((error: unknown) => {
        if (!isDrayError(error, 'FILE')) throw error
        onProblem?.(error)
        if (!said.has(error.message)) onWarning(`${error.message}; going on without`)
        said.add(error.message)
        return undefined
      }),
  }
}
