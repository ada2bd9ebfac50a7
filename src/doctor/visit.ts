import { createTokenCache } from '../auth/token-cache.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import { accessEndpoint } from '../registry/endpoint-access.ts'
import type { EndpointLogin } from '../registry/endpoint-login.ts'
import { sendHeaders, speakFor } from '../registry/endpoint-requests.ts'
import type { RepositoryAccess } from '../registry/repository-access.ts'
import type { RunStep } from './finding.ts'
import { type Exchange, observe, observeTokens, type TokenFetch } from './observe.ts'
import type { Wires } from './reach.ts'

/** One endpoint while it is being looked at, asked in the way of a pull but for one thing: nothing is tried twice. */
export interface Visit {
  readonly endpoint: Endpoint
  /** Where it turned out to be served, with TLS or without. */
  readonly root: URL
  readonly login: EndpointLogin
  readonly access: RepositoryAccess
  readonly ping: (signal: AbortSignal) => Promise<HttpResponse>
  /** What went over the wire so far. */
  readonly exchanges: readonly Exchange[]
  /** The tokens that were asked for so far. */
  readonly tokenFetches: readonly TokenFetch[]
  readonly wires: Wires
  readonly run: RunStep
  readonly signal: AbortSignal
}

export interface VisitOptions {
  readonly transport: Transport
  readonly login: EndpointLogin
  /** The repository as the user knows it. */
  readonly repository: string
  /** Where to keep what goes over the wire. */
  readonly exchanges: Exchange[]
  readonly wires: Wires
  readonly run: RunStep
  readonly onRequest: (info: RequestInfo) => void
}

/** Prepares the questions to an endpoint that is served at `root`. */
export function startVisit(endpoint: Endpoint, root: URL, options: VisitOptions): Visit {
  const { transport, login, repository, exchanges, wires, run, onRequest } = options
  const tokenFetches: TokenFetch[] = []
  const interceptors = [followRedirects(), trace(onRequest), observe(exchanges, wires.now)]
  const { namespace, headers } = endpoint
  const { get, ping } = accessEndpoint(endpoint, {
    transport,
    interceptors,
    pingInterceptors: [
      ...(namespace === undefined ? [] : [speakFor(namespace, root)]),
      ...interceptors,
      ...(headers && root.protocol === 'https:' ? [sendHeaders(headers, root)] : []),
    ],
    login,
    tokens: observeTokens(createTokenCache(), tokenFetches),
    speaksTls: new Map([[endpoint.root.origin, root === endpoint.root]]),
    onWarning: () => {},
  })
  const access = {
    registry: endpoint.registry,
    root,
    name: repository,
    get,
    isLoggedIn: login.isLoggedIn,
    loginProblem: login.problem,
    ping,
    tries: { retries: 0 },
  }
  const { signal } = wires
  return { endpoint, root, login, access, ping, exchanges, tokenFetches, wires, run, signal }
}
