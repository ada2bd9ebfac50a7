import type { CredentialSource } from '../auth/credential.ts'
import { createTokenCache } from '../auth/token-cache.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RetryInfo, retry } from '../http/retry.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import type { Interceptor, Transport } from '../http/transport.ts'
import type { Endpoint, Route } from './endpoint.ts'
import { accessEndpoint, type EndpointAccess } from './endpoint-access.ts'
import { createLogins } from './endpoint-login.ts'
import { failover } from './failover.ts'
import { openRepository, type Repository } from './repository.ts'
import type { Place } from './round.ts'
import { createStanding } from './standing.ts'
import { tellOnce } from './tell-once.ts'
import { tellWarnings } from './warning-header.ts'
import { readTokensWhole } from './whole-tokens.ts'

export interface RegistryClientOptions {
  readonly transport: Transport
  /** Default: anonymous. */
  readonly credentials?: CredentialSource | undefined
  /** Tries without progress before giving up; default 6. */
  readonly retries?: number | undefined
  readonly onRetry?: ((info: RetryInfo) => void) | undefined
  readonly onRequest?: ((info: RequestInfo) => void) | undefined
  /** Told what registries warn of, and which endpoint failed, each once. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Told where endpoints and credentials come from, each once. */
  readonly onNote?: ((message: string) => void) | undefined
}

/**
 * Opens repositories of any registry. They share the network, the tokens, and what was learned about an endpoint; each
 * looks for its credential at an endpoint once, when that asks for it.
 */
export function createRegistryClient(options: RegistryClientOptions): (route: Route) => Repository {
  const { retries = 6 } = options
  const onWarning = tellOnce(options.onWarning)
  const onNote = tellOnce(options.onNote)
  const standing = createStanding()
  const access = endpointOpener({ ...options, onWarning, onNote })

  return (route) => {
    const { registry, repository: name, endpoints } = route
    for (const { root, source } of endpoints) {
      if (source) onNote(`${registry}/${name} is served by ${root.host}, as ${source} says`)
    }
    const places = endpoints.map((endpoint, i): Place => {
      const isLast = i === endpoints.length - 1
      const isMirror = endpoint.source !== undefined && endpoint.registry !== registry
      const way = access(endpoint, name, isLast ? { retries } : impatient(retries))
      return {
        endpoint,
        name: isMirror ? `the mirror ${endpoint.root.host}` : endpoint.registry,
        // Whether it is a registry at all is asked of the last one only: the others may just not have it.
        repository: openRepository(isLast ? way : { ...way, ping: undefined }),
      }
    })
    return failover(places, { route, standing, onWarning, onNote })
  }
}

interface Patience {
  readonly retries: number
  /** In milliseconds. */
  readonly longestWait?: number
}

/** While there is another endpoint to turn to, one bad moment is enough. */
function impatient(retries: number): Patience {
  return { retries: Math.min(1, retries), longestWait: 2_000 }
}

interface OpenerOptions extends RegistryClientOptions {
  readonly onWarning: (message: string) => void
  readonly onNote: (message: string) => void
}

/** Ways to endpoints, for a repository that the user knows by `name`. */
function endpointOpener(options: OpenerOptions) {
  const { transport, onRetry, onRequest = () => {}, onWarning } = options
  const loginAt = createLogins(options)
  const shared = { transport, tokens: createTokenCache(), speaksTls: new Map<string, boolean>(), onWarning }
  // Each try begins at the registry, which may redirect it to another place than the one that just failed.
  const interceptors = (patience: Patience): readonly Interceptor[] => [
    tellWarnings(onWarning),
    retry({ ...patience, onRetry }),
    followRedirects(),
    readTokensWhole(),
    trace(onRequest),
  ]
  return (endpoint: Endpoint, name: string, patience: Patience): EndpointAccess =>
    accessEndpoint(endpoint, {
      ...shared,
      name,
      login: loginAt(endpoint),
      interceptors: interceptors(patience),
      pingInterceptors: interceptors({ retries: 0 }),
      tries: { retries: patience.retries, onRetry },
    })
}
