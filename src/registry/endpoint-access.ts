import { authenticate } from '../auth/authenticate.ts'
import type { TokenCache } from '../auth/token-cache.ts'
import { isRefused, notTls } from '../http/network-error.ts'
import { isLoopbackHost } from '../http/origin.ts'
import { type Interceptor, type Transport, wrap } from '../http/transport.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointLogin } from './endpoint-login.ts'
import { sendHeaders, speakFor } from './endpoint-requests.ts'
import type { RepositoryAccess } from './repository-access.ts'

export interface EndpointAccessOptions {
  readonly transport: Transport
  /** Around the transport: redirects, retries, traces. */
  readonly interceptors: readonly Interceptor[]
  readonly pingInterceptors: readonly Interceptor[]
  readonly login: EndpointLogin
  readonly tokens: TokenCache
  /** Which origins are known to speak TLS, or not to. */
  readonly speaksTls: Map<string, boolean>
  readonly onWarning: (message: string) => void
}

type Get = RepositoryAccess['get']

/**
 * How to ask one endpoint: with its own login, name of the repository and headers; over http once it has turned out to
 * speak no TLS, if that is allowed.
 */
export function accessEndpoint(endpoint: Endpoint, options: EndpointAccessOptions) {
  const { root, withoutTls, tls } = endpoint
  const { transport, pingInterceptors, speaksTls } = options
  const get = getBelow(root, endpoint, { ...options, inTheOpen: root.protocol === 'http:' })
  const send = wrap(transport, ...pingInterceptors)
  const ping = (signal: AbortSignal) => {
    const url = withoutTls && speaksTls.get(root.origin) === false ? withoutTls : root
    return send({ method: 'GET', url, purpose: 'ping', signal })
  }
  if (!withoutTls) return { get, ping }
  const inClear = getBelow(withoutTls, endpoint, { ...options, inTheOpen: tls?.insecure === true })
  return { get: unlessWithoutTls(get, inClear, endpoint, speaksTls), ping }
}

interface GetOptions extends EndpointAccessOptions {
  /** Someone chose http for it: secrets may go there readably. */
  readonly inTheOpen: boolean
}

function getBelow(root: URL, endpoint: Endpoint, options: GetOptions): Get {
  const { transport, interceptors, login, tokens, inTheOpen, onWarning } = options
  const { registry, repository, namespace, headers } = endpoint
  const isReadable = root.protocol === 'http:' && !isLoopbackHost(root.hostname)
  const findCredential = async () => {
    const credential = await login.find()
    if (credential && isReadable) {
      onWarning(`the credentials for ${registry} go over plain http, where anyone on the way can read them`)
    }
    return credential
  }
  const send = wrap(
    transport,
    authenticate({
      registry,
      repository,
      root,
      inTheOpen,
      findCredential,
      loginProblem: login.problem,
      tokens,
    }),
    ...(namespace === undefined ? [] : [speakFor(namespace, root)]),
    ...interceptors,
    ...(headers && (inTheOpen || !isReadable) ? [sendHeaders(headers, root)] : []),
  )
  return ({ path, ...request }) =>
    send({ ...request, method: 'GET', url: new URL(`${repository}/${path}`, root) })
}

/** Turns to http for good once the endpoint has shown that it speaks no TLS, but never after it has spoken it. */
function unlessWithoutTls(
  get: Get,
  inClear: Get,
  { root: { origin }, tls }: Endpoint,
  speaksTls: Map<string, boolean>,
): Get {
  const hasNoTls = (error: unknown) => notTls(error) || (tls?.insecure === true && isRefused(error))
  return async (request) => {
    if (speaksTls.get(origin) === false) return inClear(request)
    try {
      const response = await get(request)
      speaksTls.set(origin, true)
      return response
    } catch (error) {
      if (speaksTls.get(origin) || !hasNoTls(error)) throw error
      speaksTls.set(origin, false)
      return inClear(request)
    }
  }
}
