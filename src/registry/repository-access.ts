import { DrayError, isDrayError } from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http/transport.ts'
import type { Inquiry } from './registry-response.ts'
import type { TryPolicy } from './tries.ts'

/** A request within a repository; `path` is `manifests/latest`. */
export interface RepositoryRequest extends Pick<HttpRequest, 'headers' | 'purpose' | 'signal'> {
  readonly path: string
}

/** How a repository is reached at one endpoint. */
export interface RepositoryAccess {
  /** What the endpoint is called. */
  readonly registry: string
  /** Of the endpoint's API. */
  readonly root: URL
  /** `library/nginx`, as the user knows it. */
  readonly name: string
  /** GETs a path below `/v2/<name>/`; any status is an answer. */
  readonly get: (request: RepositoryRequest) => Promise<HttpResponse>
  /** True once credentials have been found for it. */
  readonly isLoggedIn: () => boolean
  /** Why there are no credentials although there should be. */
  readonly loginProblem?: (() => string | undefined) | undefined
  /** Asks for the root of the API, once and without credentials. */
  readonly ping?: ((signal: AbortSignal) => Promise<HttpResponse>) | undefined
  /** How often to ask again for a body that breaks off. */
  readonly tries: TryPolicy
}

/** What a request is about, for the words of an error. */
export function inquiryFor(
  { registry, root, isLoggedIn, loginProblem, ping }: RepositoryAccess,
  { kind, what, signal }: Pick<Inquiry, 'kind' | 'what'> & { readonly signal: AbortSignal },
): Inquiry {
  const loggedIn = isLoggedIn()
  const login = { loggedIn, loginProblem: loginProblem?.() }
  return { registry, root, kind, what, ...login, ping: ping && (() => ping(signal)) }
}

/** Adds to a refusal why there were no credentials, unless it says so; whoever may not see an image may hear that there is none. */
export async function withLoginProblem<T>(access: RepositoryAccess, request: Promise<T>): Promise<T> {
  try {
    return await request
  } catch (error) {
    const problem = access.loginProblem?.()
    const isRefusal = isDrayError(error, 'UNAUTHORIZED') || isDrayError(error, 'NOT_FOUND')
    if (!isRefusal || !problem || `${error.message} ${error.hint}`.includes(problem)) throw error
    throw new DrayError(error.code, `${error.message}; ${problem}`, { hint: error.hint, cause: error.cause })
  }
}
