import type { Credential, CredentialSource } from '../auth/credential.ts'
import { isDrayError } from '../errors.ts'

/** Who we are to one endpoint. */
export interface EndpointLogin {
  /** Asks the source at most once. */
  readonly find: () => Promise<Credential | undefined>
  /** True once credentials have been found. */
  readonly isLoggedIn: () => boolean
  /** Why there are none although there should be. */
  readonly problem: () => string | undefined
}

export interface LoginOptions {
  readonly credentials?: CredentialSource | undefined
  readonly onWarning: (message: string) => void
  readonly onNote: (message: string) => void
}

/** Finds the login for each endpoint, once: what the credential source says of a registry and a repository there. */
export function createLogins({ credentials, onWarning, onNote }: LoginOptions) {
  const logins = new Map<string, EndpointLogin>()
  const open = (registry: string, repository: string): EndpointLogin => {
    let answer: Promise<Credential | undefined> | undefined
    let isLoggedIn = false
    let problem: string | undefined
    const ask = async () => {
      try {
        const credential = await credentials?.find(registry, repository)
        isLoggedIn = credential !== undefined
        if (credential?.from) onNote(`credentials for ${registry} come from ${credential.from}`)
        return credential
      } catch (error) {
        // A helper that is broken is no reason to give up on a public image.
        if (!isDrayError(error, 'UNAUTHORIZED')) throw error
        problem = error.message
        onWarning(`${problem}; going on without credentials for ${registry}`)
        return undefined
      }
    }
    return {
      find: () => {
        answer ??= ask()
        return answer
      },
      isLoggedIn: () => isLoggedIn,
      problem: () => problem,
    }
  }
  return ({ registry, repository }: { readonly registry: string; readonly repository: string }) => {
    const key = `${registry}/${repository}`
    const login = logins.get(key) ?? open(registry, repository)
    logins.set(key, login)
    return login
  }
}
