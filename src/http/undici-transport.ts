import { setImmediate } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import request from 'undici/lib/api/api-request.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import { DrayError } from '../errors.ts'
import { compileForAnswer } from './compile-parser-once.ts'
import { type ConnectorOptions, createConnector } from './connect.ts'
import type { TlsOptions } from './handshake.ts'
import { type LowSpeedWatch, watchLowSpeed } from './low-speed.ts'
import { abortError, toNetworkError } from './network-error.ts'
import { createProxyResolver, isTunnelled, type ProxyServer, type ProxySettings } from './proxy.ts'
import { proxyFailure } from './proxy-failure.ts'
import { forwarderRefusal } from './proxy-refusal.ts'
import { discardBody } from './read-body.ts'
import { hideInHeaders, hideSecrets, secretsIn, steeringHeaders } from './secrets.ts'
import { loadTls, type TlsSettings } from './tls.ts'
import type { HttpRequest, HttpResponse, Transport } from './transport.ts'

export interface TransportOptions {
  readonly proxy?: ProxySettings | undefined
  readonly tls?: TlsSettings | undefined
  /**
   * The longest silence in a body, in milliseconds; default 30,000. Twice as long, a body may bring less than 1 KiB/s.
   * Connecting may take half of it, an answer twice as long for documents and ten times for blobs, which some proxies
   * scan before they pass on the first byte.
   */
  readonly timeout?: number | undefined
  /** At most so many at once to one origin; default 5. */
  readonly connections?: number | undefined
  readonly userAgent?: string | undefined
  /** Origins, https, for which http would do. */
  readonly mayLackTls?: ReadonlySet<string> | undefined
  /** Ends everything at once: requests, bodies, attempts to connect. */
  readonly signal?: AbortSignal | undefined
  /** Told what the user should know about the way that requests take, each thing once. */
  readonly onWarning?: ((message: string) => void) | undefined
}

export interface ClosableTransport {
  readonly transport: Transport
  /** What its settings for TLS make of an origin. */
  readonly tlsFor: (origin: URL) => Promise<TlsOptions>
  /** Ends what is still running and closes all connections. */
  close(): Promise<void>
}

/**
 * The real network: HTTP/1.1 by undici. A blob's body is undici's own stream; when it breaks off, `toNetworkError` explains
 * its error. Throws USAGE or FILE when the TLS settings make no sense.
 */
export async function createUndiciTransport(options: TransportOptions = {}): Promise<ClosableTransport> {
  const { signal, timeout = 30_000, connections = 5, userAgent = 'dray', mayLackTls } = options
  const tlsFor = await loadTls(options.tls)
  const proxyFor = createProxyResolver(options.proxy ?? {})
  const lane = { tlsFor, mayLackTls, userAgent, timeout: timeout / 2, connections, slowSpan: timeout * 2 }
  const direct = createLane({ ...lane, proxyFor })
  const byProxy = createLane({ ...lane, proxyFor: () => undefined })
  const warnOfReaders = createReaderWarning(options.onWarning)

  const close = async (reason: Error) => {
    signal?.removeEventListener('abort', closeAborted)
    await Promise.all([direct.close(reason), byProxy.close(reason)])
  }
  const closeAborted = () => signal && close(abortError(signal))
  signal?.addEventListener('abort', closeAborted, { once: true })

  return {
    tlsFor,
    async transport(request) {
      await setImmediate() // undici frees the connection of an answer that was just read only now
      const signals = AbortSignal.any([signal, request.signal].filter((each) => each !== undefined))
      if (signals.aborted) throw abortError(signals)
      const { url, purpose } = request
      const proxy = proxyFor(url)
      const forwarder = proxy && !isTunnelled(url, proxy) ? proxy : undefined
      const message = { ...messageFor(request, forwarder, userAgent), ...timeLimits(request, timeout) }
      if (proxy) warnOfReaders(request, proxy)
      try {
        const response = await (forwarder ? byProxy : direct).send({ ...message, signal: signals })
        const secrets = secretsIn({ headers: message.headers, body: request.body })
        const address = proxy ? undefined : direct.addressOf(url.origin)
        const answer = { ...toHttpResponse(response, secrets), url, address, via: proxy?.url }
        if (forwarder) checkForwarder(forwarder, request, answer, response.statusText)
        return answer
      } catch (error) {
        if (signals.aborted) throw abortError(signals)
        throw forwarder
          ? proxyFailure(error, forwarder)
          : toNetworkError(error, { url, purpose, via: proxy?.url })
      }
    },
    close: () => close(new DrayError('ABORTED', 'the connections were closed')),
  }
}

type Message = Dispatcher.RequestOptions & { readonly origin: string; readonly signal: AbortSignal }

interface Lane {
  send(message: Message): Promise<Dispatcher.ResponseData>
  /** The address that an origin was last connected to. */
  addressOf(origin: string): string | undefined
  close(reason: Error): Promise<void>
}

interface LaneOptions extends ConnectorOptions {
  readonly connections: number
  /** How long a body may come too slowly, in milliseconds. */
  readonly slowSpan: number
}

function createLane(options: LaneOptions): Lane {
  const connector = createConnector(options)
  const agent = new Agent({
    connect: connector.connect,
    connections: options.connections,
    maxHeaderSize: 64 * 1024,
  })
  const dispatcher = agent.compose(limitLowSpeed(options.slowSpan))
  return {
    async send(message) {
      const release = connector.demand(message.origin)
      try {
        return await compileForAnswer(() => unlessAborted(request.call(dispatcher, message), message.signal))
      } finally {
        release()
      }
    },
    addressOf: connector.addressOf,
    async close(reason) {
      connector.close(reason)
      await agent.destroy(reason)
    },
  }
}

/** Ends a body, and its connection, that comes too slowly. undici's own limit is for silence, and lies beside this one. */
function limitLowSpeed(span: number): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    let watch: LowSpeedWatch | undefined
    return dispatch(options, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
      onResponseStart(controller, status, ...head) {
        handler.onResponseStart?.(controller, status, ...head)
        if (status < 200) return
        watch = watchLowSpeed({
          span,
          isHeldUp: () => controller.paused,
          onTooSlow: (error) => controller.abort(error),
        })
      },
      onResponseData(controller, chunk) {
        handler.onResponseData?.(controller, chunk)
        watch?.arrived(chunk.length)
      },
      onResponseEnd(controller, trailers) {
        watch?.end()
        handler.onResponseEnd?.(controller, trailers)
      },
      onResponseError(controller, error) {
        watch?.end()
        handler.onResponseError?.(controller, error)
      },
    })
  }
}

/** undici listens to the signal only once a request has its connection. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** To the origin itself, or in absolute form (RFC 9112 section 3.2.2) to a proxy. */
function messageFor(request: HttpRequest, forwarder: ProxyServer | undefined, userAgent: string) {
  const { method, url, body = null } = request
  const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers }
  const path = url.pathname + url.search
  if (!forwarder) return { method, origin: url.origin, path, headers, body }
  const { authorization } = forwarder
  const forProxy = {
    ...headers,
    host: url.host,
    ...(authorization && { 'proxy-authorization': authorization }),
  }
  return { method, origin: forwarder.url.origin, path: url.origin + path, headers: forProxy, body }
}

function timeLimits({ purpose }: HttpRequest, timeout: number) {
  return { headersTimeout: timeout * (purpose === 'blob' ? 10 : 2), bodyTimeout: timeout }
}

/** Warns, once per proxy, of credentials that it can read: all those that are sent in plain http. */
function createReaderWarning(onWarning: (message: string) => void = () => {}) {
  const warned = new Set<string>()
  return ({ url, headers, body }: HttpRequest, { url: proxy }: ProxyServer) => {
    const holdsSecret = headers?.authorization !== undefined || body !== undefined
    if (url.protocol === 'https:' || !holdsSecret || warned.has(proxy.host)) return
    warned.add(proxy.host)
    onWarning(
      `credentials for ${url.host} are sent in plain http, and the proxy ${proxy.host} can read them on the way`,
    )
  }
}

/** Throws when the answer is not the origin's but the proxy's own. */
function checkForwarder(
  proxy: ProxyServer,
  request: HttpRequest,
  { status, headers, body, secrets = [] }: HttpResponse,
  reason: string,
) {
  const statusMessage = hideSecrets(reason, secrets)
  const refusal = forwarderRefusal(proxy, request, status, { statusMessage, headers })
  if (!refusal) return
  discardBody(body)
  throw refusal
}

function toHttpResponse(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  secrets: readonly string[],
): Omit<HttpResponse, 'url'> {
  return { status: statusCode, headers: hideInHeaders(headers, secrets, steeringHeaders), body, secrets }
}
