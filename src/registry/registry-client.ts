import type { CredentialSource } from '../auth/credential.ts'
import { createTokenCache, type TokenCache } from '../auth/token-cache.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RetryInfo, retry } from '../http/retry.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import type { Interceptor, Transport } from '../http/transport.ts'
import type { Endpoint } from './endpoint.ts'
import { accessEndpoint } from './endpoint-access.ts'
import { createLogins } from './endpoint-login.ts'
import { failover, type Place } from './failover.ts'
import { openRepository, type Repository } from './repository.ts'
import type { Route } from './route.ts'
import { createStanding, type Standing } from './standing.ts'
import { tellOnce } from './tell-once.ts'
import { tellWarnings } from './warning-header.ts'

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
  const client = createClient(options)
  const opened = new Map<string, Repository>()
  return (route) => {
    const key = JSON.stringify(route)
    const repository = opened.get(key) ?? openRoute(route, client)
    opened.set(key, repository)
    return repository
  }
}

interface Client {
  readonly transport: Transport
  readonly interceptors: (patience: Patience) => readonly Interceptor[]
  readonly onRetry: RegistryClientOptions['onRetry']
  /** With the registry itself. */
  readonly patience: Patience
  readonly logins: ReturnType<typeof createLogins>
  readonly tokens: TokenCache
  readonly speaksTls: Map<string, boolean>
  readonly standing: Standing
  readonly onWarning: (message: string, key?: string) => void
  readonly onNote: (message: string) => void
}

interface Patience {
  readonly retries: number
  /** In milliseconds. */
  readonly longestWait?: number | undefined
}

function createClient(options: RegistryClientOptions): Client {
  const { transport, credentials, retries = 6, onRetry, onRequest = () => {} } = options
  const onWarning = tellOnce(options.onWarning ?? (() => {}))
  const onNote = tellOnce(options.onNote ?? (() => {}))
  const warnings = tellWarnings(onWarning)
  return {
    transport,
    interceptors: (patience) => [
      warnings,
      followRedirects(),
      retry({ ...patience, onRetry }),
      trace(onRequest),
    ],
    onRetry,
    patience: { retries },
    logins: createLogins({ credentials, onWarning, onNote }),
    tokens: createTokenCache(),
    speaksTls: new Map(),
    standing: createStanding(),
    onWarning,
    onNote,
  }
}

function openRoute(route: Route, client: Client): Repository {
  const { registry, repository: name, endpoints } = route
  for (const { root, source } of endpoints) {
    if (source !== undefined)
      client.onNote(`${registry}/${name} is served by ${root.host}, as ${source} says`)
  }
  const places = endpoints.map((endpoint, i): Place => {
    const isMirror = endpoint.source !== undefined && endpoint.registry !== registry
    return {
      endpoint,
      name: isMirror ? `the mirror ${endpoint.root.host}` : endpoint.registry,
      repository: openEndpoint(endpoint, { name, isLast: i === endpoints.length - 1, client }),
    }
  })
  return failover(places, { ...client, route })
}

/** While there is another endpoint to turn to, one bad moment is enough. */
function impatient({ retries }: Patience): Patience {
  return { retries: Math.min(1, retries), longestWait: 2_000 }
}

interface EndpointOptions {
  /** Of the repository, as the user knows it. */
  readonly name: string
  readonly isLast: boolean
  readonly client: Client
}

function openEndpoint(endpoint: Endpoint, { name, isLast, client }: EndpointOptions): Repository {
  const { onRetry, interceptors } = client
  const patience = isLast ? client.patience : impatient(client.patience)
  const login = client.logins(endpoint)
  const { get, ping } = accessEndpoint(endpoint, {
    ...client,
    login,
    interceptors: interceptors(patience),
    pingInterceptors: interceptors({ retries: 0 }),
  })
  return openRepository({
    registry: endpoint.registry,
    root: endpoint.root,
    name,
    get,
    isLoggedIn: login.isLoggedIn,
    loginProblem: login.problem,
    ...(isLast && { ping }),
    tries: { retries: patience.retries, onRetry },
  })
}
