import type { Transport } from '../http/transport.ts'
import type { Challenge } from './challenge.ts'
import type { Credential } from './credential.ts'
import { pullScope, scopesOf } from './scope.ts'
import { basicAuthorization, fetchToken, type Token } from './token.ts'
import type { TokenCache } from './token-cache.ts'

export interface ProofOptions {
  /** The registry's name, for errors. */
  readonly registry: string
  /** Whose content is wanted; absent when only the login itself is in question. */
  readonly repository?: string | undefined
  /** The API's root, with a slash at its end: `https://host/v2/`. Its origin is the only one that ever gets to see Authorization. */
  readonly root: URL
  /** Credentials may go there over plain http: the user, or a file of this machine, calls the registry insecure. */
  readonly inTheOpen?: boolean | undefined
  /** Asked when the registry wants to know who we are. */
  readonly findCredential: () => Promise<Credential | undefined>
  /** What to repair where it found nothing although it should have: a helper that is broken. */
  readonly loginProblem?: (() => string | undefined) | undefined
  readonly tokens: TokenCache
  /** The clock that tokens expire by, in milliseconds; default: one that never jumps. */
  readonly now?: (() => number) | undefined
}

/** An Authorization header, and the token in it, if there is one. */
export interface Proof {
  readonly authorization: string
  readonly kept?: { readonly key: string; readonly token: Token }
}

/**
 * What answers a challenge; undefined when we have nothing that would. Rejects with what {@link fetchToken} and
 * `findCredential` throw.
 */
export async function prove(
  { scheme, parameters }: Challenge,
  options: ProofOptions,
  transport: Transport,
  signal: AbortSignal | undefined,
): Promise<Proof | undefined> {
  const credential = await options.findCredential()
  if (credential?.kind === 'registry-token') return { authorization: `Bearer ${credential.token}` }
  if (scheme === 'basic') {
    return credential?.kind === 'basic' ? { authorization: basicAuthorization(credential) } : undefined
  }
  const { registry, repository, root, tokens, now } = options
  const { realm = '', service } = parameters
  const scopes = scopesOf(parameters.scope) ?? (repository === undefined ? [] : [pullScope(repository)])
  const loginProblem = options.loginProblem?.()
  const user = credential && [credential.kind, credential.kind === 'basic' && credential.username]
  const key = JSON.stringify([registry, root.href, realm, service, scopes.toSorted(), user])
  const request = { registry, origin: root, realm, service, scopes, credential, loginProblem, now }
  const fetch = (flight: AbortSignal) => fetchToken(transport, { ...request, signal: flight })
  const token = await tokens.get(key, fetch, signal)
  return { authorization: `Bearer ${token.value}`, kept: { key, token } }
}
