import { authenticate } from '../auth/authenticate.ts'
import type { TokenCache } from '../auth/token-cache.ts'
import { isRefused, notTls } from '../http/network-error.ts'
import { isLoopbackHost, sameOrigin } from '../http/origin.ts'
import {
  type HttpRequest,
  type HttpResponse,
  type Interceptor,
  type Transport,
  wrap,
} from '../http/transport.ts'
import type { Inquiry } from './answer.ts'
import type { Endpoint } from './endpoint.ts'
import { type EndpointLogin, remedyFor } from './endpoint-login.ts'
import { sendHeaders, speakFor } from './endpoint-requests.ts'
import type { TryPolicy } from './tries.ts'

/** How a repository is reached at one endpoint. */
export interface EndpointAccess {
  /** What the endpoint is called. */
  readonly registry: string
  /** Of the endpoint's API. */
  readonly root: URL
  /** `library/nginx`, as the user knows it. */
  readonly name: string
  readonly login: Pick<EndpointLogin, 'found' | 'problem'>
  readonly get: Channel['get']
  /** Absent where no one wants to know whether it is a registry at all. */
  readonly ping?: Channel['ping'] | undefined
  /** How often to ask again for a body that breaks off. */
  readonly tries: TryPolicy
}

interface Channel {
  /** GETs a path below `/v2/<name>/`; any status is an answer. */
  readonly get: (request: EndpointRequest) => Promise<HttpResponse>
  /** Asks for the root of the API, without credentials: does anything there look like a registry? */
  readonly ping: (signal: AbortSignal | undefined) => Promise<HttpResponse>
}

/** A request within a repository; `path` is `manifests/latest`, or empty for the root of an API when there is no repository. */
export interface EndpointRequest extends Pick<HttpRequest, 'headers' | 'purpose' | 'once' | 'signal'> {
  readonly path: string
}

export interface EndpointAccessOptions extends Pick<EndpointAccess, 'name' | 'tries'> {
  readonly transport: Transport
  /** Around the transport: redirects, retries, traces. */
  readonly interceptors: readonly Interceptor[]
  /** The same for a ping. */
  readonly pingInterceptors: readonly Interceptor[]
  readonly login: EndpointLogin
  readonly tokens: TokenCache
  /** Which origins are known to speak TLS, or not to. */
  readonly speaksTls: Map<string, boolean>
  readonly onWarning: (message: string) => void
}

/**
 * How to ask one endpoint: with its own login, name of the repository and headers; over http once it has turned out to
 * speak no TLS, if that is allowed, but never after it has spoken it.
 */
export function accessEndpoint(endpoint: Endpoint, options: EndpointAccessOptions): EndpointAccess & Channel {
  const { registry, root, withoutTls, tls } = endpoint
  const { name, login, tries, speaksTls } = options
  const isInsecure = tls?.insecure === true
  const first = openChannel(root, root.protocol === 'http:', endpoint, options)
  const inClear = withoutTls && openChannel(withoutTls, isInsecure, endpoint, options)

  const ask = async (question: (channel: Channel) => Promise<HttpResponse>) => {
    if (inClear && speaksTls.get(root.origin) === false) return question(inClear)
    try {
      return await question(first)
    } catch (error) {
      const hasNoTls = notTls(error) || (isInsecure && isRefused(error))
      if (!inClear || !hasNoTls || speaksTls.get(root.origin)) throw error
      speaksTls.set(root.origin, false)
      return question(inClear)
    }
  }
  return {
    ...{ registry, root, name, login, tries },
    get: (request) => ask((channel) => channel.get(request)),
    ping: (signal) => ask((channel) => channel.ping(signal)),
  }
}

/** `inTheOpen`: someone chose http for it, and secrets may go there readably. */
function openChannel(
  root: URL,
  inTheOpen: boolean,
  { registry, repository, namespace, headers }: Endpoint,
  options: EndpointAccessOptions,
): Channel {
  const { login, tokens, speaksTls, onWarning } = options
  const isReadable = root.protocol === 'http:' && !isLoopbackHost(root.hostname)
  const findCredential = async () => {
    const credential = await login.find()
    if (credential && isReadable) {
      onWarning(`the credentials for ${registry} go over plain http, where anyone on the way can read them`)
    }
    return credential
  }
  const who = {
    registry,
    repository: repository || undefined,
    findCredential,
    loginProblem: () => remedyFor(login),
  }
  const transport = wrap(
    options.transport,
    ...(headers && (inTheOpen || !isReadable) ? [sendHeaders(headers, root)] : []),
    noticeAnswers(root, speaksTls),
  )
  const asMirror = namespace === undefined ? [] : [speakFor(namespace, root)]
  const send = wrap(
    transport,
    authenticate({ ...who, root, inTheOpen, tokens }),
    ...asMirror,
    ...options.interceptors,
  )
  const sendPing = wrap(transport, ...asMirror, ...options.pingInterceptors)
  const base = repository === '' ? root : new URL(`${repository}/`, root)
  return {
    get: ({ path, ...request }) => send({ ...request, method: 'GET', url: new URL(path, base) }),
    ping: (signal) => sendPing({ method: 'GET', url: root, purpose: 'ping', signal }),
  }
}

/** Whoever has asked for a login has spoken TLS: if something speaks none then, it is the token server. */
function noticeAnswers(root: URL, speaksTls: Map<string, boolean>): Interceptor {
  return (next) => async (request) => {
    const response = await next(request)
    if (root.protocol === 'https:' && sameOrigin(request.url, root)) speaksTls.set(root.origin, true)
    return response
  }
}

/** What a request is about, for the words of an error. */
export function inquiryFor(
  { registry, root, login, ping }: EndpointAccess,
  { kind, what, signal }: Pick<Inquiry, 'kind' | 'what'> & { readonly signal: AbortSignal | undefined },
): Inquiry {
  return { registry, root, kind, what, login: login.found(), ping: ping && (() => ping(signal)) }
}
