import { createTokenCache } from '../auth/token-cache.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import type { Transport } from '../http/transport.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import { accessEndpoint, type EndpointAccessOptions } from '../registry/endpoint-access.ts'
import type { EndpointLogin } from '../registry/endpoint-login.ts'
import type { RunStep } from './finding.ts'
import { type Exchange, observe, observeTokens, type TokenFetch } from './observe.ts'
import type { Wires } from './reach.ts'

export interface VisitOptions {
  readonly endpoint: Endpoint
  /** Where it turned out to be served, with TLS or without. */
  readonly root: URL
  readonly transport: Transport
  readonly login: EndpointLogin
  /** The repository as the user knows it. */
  readonly name: string
  /** What went over the wire so far. */
  readonly exchanges: Exchange[]
  readonly wires: Wires
  readonly run: RunStep
  readonly onRequest: (info: RequestInfo) => void
}

/** One endpoint while it is being looked at, asked in the way of a pull but for one thing: nothing is tried twice. */
export type Visit = ReturnType<typeof startVisit>

export function startVisit({ onRequest, transport, login, name, ...visit }: VisitOptions) {
  const { endpoint, root, exchanges, wires } = visit
  /** The tokens that were asked for so far. */
  const tokenFetches: TokenFetch[] = []
  const interceptors = [followRedirects(), trace(onRequest), observe(exchanges, wires.now)]
  const options: EndpointAccessOptions = {
    ...{ transport, interceptors, pingInterceptors: interceptors, login, name },
    tokens: observeTokens(createTokenCache(), tokenFetches),
    speaksTls: new Map([[endpoint.root.origin, root === endpoint.root]]),
    onWarning: () => {},
    tries: { retries: 0 },
  }
  const access = accessEndpoint(endpoint, options)
  const atRoot = accessEndpoint({ ...endpoint, repository: '' }, options)
  return { ...visit, access, atRoot, tokenFetches, signal: wires.signal }
}
