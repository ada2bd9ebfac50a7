import type { Credential, CredentialSource } from '../auth/credential.ts'
import { type DrayError, isDrayError } from '../errors.ts'
import type { Endpoint } from './endpoint.ts'

/** Who we are to one endpoint. */
export interface EndpointLogin {
  /** Asks the source at most once. */
  readonly find: () => Promise<Credential | undefined>
  /** What it said, once it was asked. */
  readonly found: () => Credential | undefined
  /** Why there are none although there should be. */
  readonly problem: () => DrayError | undefined
}

export interface LoginOptions {
  readonly credentials?: CredentialSource | undefined
  readonly onWarning?: (message: string) => void
  readonly onNote?: (message: string) => void
}

/** Finds the login for each endpoint, once: what the credential source says of a registry and a repository there. */
export function createLogins(options: LoginOptions): (endpoint: Endpoint) => EndpointLogin {
  const logins = new Map<string, EndpointLogin>()
  return (endpoint) => {
    const key = `${endpoint.registry}/${endpoint.repository}`
    const login = logins.get(key) ?? createLogin(endpoint, options)
    logins.set(key, login)
    return login
  }
}

function createLogin(
  { registry, repository }: Endpoint,
  { credentials, onWarning, onNote }: LoginOptions,
): EndpointLogin {
  let answer: Promise<Credential | undefined> | undefined
  let found: Credential | undefined
  let problem: DrayError | undefined
  const ask = async () => {
    try {
      found = await credentials?.find(registry, repository, (passedOver) => {
        problem ??= passedOver
      })
      if (found) problem = undefined
      if (found?.from) onNote?.(`credentials for ${registry} come from ${found.from}`)
      return found
    } catch (error) {
      // A helper that is broken is no reason to give up on a public image.
      if (!isDrayError(error, 'UNAUTHORIZED')) throw error
      problem = error
      onWarning?.(`${error.message}; going on without credentials for ${registry}`)
      return undefined
    }
  }
  return {
    find: () => {
      answer ??= ask()
      return answer
    },
    found: () => found,
    problem: () => problem,
  }
}

/** What to do so that there are credentials. What is wrong has been said. */
export function remedyFor({ problem }: Pick<EndpointLogin, 'problem'>): string | undefined {
  const error = problem()
  return error?.hint ?? error?.message
}
