import { request } from 'node:http'
import { isIP, connect as netConnect, type Socket } from 'node:net'
import { type ConnectionOptions, type PeerCertificate, connect as tlsConnect } from 'node:tls'
import { codedError, HandshakeError } from './failures.ts'
import { toNetworkError } from './network-error.ts'
import { plainHost } from './origin.ts'
import type { HttpProxy } from './proxy.ts'
import { proxyRefusal } from './proxy-refusal.ts'

export interface SocketOptions {
  /** Which proxy an https origin is tunnelled through. */
  readonly proxyFor: (url: URL) => HttpProxy | undefined
  readonly tlsFor: (origin: URL) => ConnectionOptions
  readonly userAgent: string
}

/**
 * Opens a socket to an origin: directly or by CONNECT through a proxy, and TLS where the origin says https. Rejects with
 * what Node says, with the signal's reason, or with a DrayError when it was the proxy that failed; no socket is left then.
 */
export async function openSocket(target: URL, options: SocketOptions, signal: AbortSignal): Promise<Socket> {
  const proxy = target.protocol === 'https:' ? options.proxyFor(target) : undefined
  const socket = proxy ? await tunnel(target, proxy, options, signal) : await dial(target, signal)
  return target.protocol === 'https:' ? secure(socket, target, options, signal) : socket
}

/** Whatever fails on the way to the proxy and in its answer is the proxy's failure, and is called so. */
async function tunnel(
  target: URL,
  proxy: HttpProxy,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    const socket = await dial(proxy.url, signal)
    const channel =
      proxy.url.protocol === 'https:' ? await secure(socket, proxy.url, options, signal) : socket
    return await askForTunnel(channel, target, proxy, options, signal)
  } catch (error) {
    throw toNetworkError(error, { url: proxy.url, purpose: 'proxy' })
  }
}

/** A TCP connection; where a name has several addresses, Node tries them in turn. */
function dial(url: URL, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = netConnect({ host: plainHost(url.hostname), port: portOf(url) })
  socket.setNoDelay(true).setKeepAlive(true, 30_000)
  return settled(socket, signal, (done) => socket.once('connect', () => done(socket)))
}

function secure(base: Socket, url: URL, options: SocketOptions, signal: AbortSignal): Promise<Socket> {
  const host = plainHost(url.hostname)
  const socket = tlsConnect({
    ...options.tlsFor(url),
    socket: base,
    host,
    ...(isIP(host) ? {} : { servername: host }),
  })
  socket.once('close', () => base.destroy())
  // Comes before verification, after which a refused certificate cannot be asked for any more.
  let certificate: PeerCertificate | undefined
  socket.prependOnceListener('secure', () => {
    certificate = socket.getPeerCertificate()
  })
  return settled(socket, signal, (done, fail) => {
    socket.once('secureConnect', () => done(socket))
    socket.once('error', (error) => fail(new HandshakeError(error, certificate)))
  })
}

/** CONNECT, RFC 9110 section 9.3.6. */
function askForTunnel(
  socket: Socket,
  target: URL,
  proxy: HttpProxy,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = `${target.hostname}:${portOf(target)}`
  const asking = request({
    method: 'CONNECT',
    path: authority,
    createConnection: () => socket,
    headers: {
      host: authority,
      'user-agent': options.userAgent,
      ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }),
    },
  })
  asking.removeHeader('connection') // Node's default, `close`, is not what we want of a tunnel
  return settled(socket, signal, (done, fail) => {
    asking.on('error', fail)
    asking.once('connect', (response, _socket, early) => {
      const status = response.statusCode ?? 0
      if (status < 200 || status > 299) return fail(proxyRefusal(proxy.url, authority, status, response))
      if (early.length > 0) socket.unshift(early)
      done(socket)
    })
    asking.end()
  })
}

/** One step with a socket. However it fails, the socket is destroyed; the signal's reason is the error when it ends the step. */
function settled(
  socket: Socket,
  signal: AbortSignal,
  step: (done: (socket: Socket) => void, fail: (error: unknown) => void) => void,
): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    const done = (result: Socket) => {
      signal.removeEventListener('abort', stop)
      resolve(result)
    }
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', stop)
      socket.destroy()
      reject(error)
    }
    const stop = () => fail(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    step(done, fail)
    // Last, so that a step can say more about an error; and for good, so that none is ever unheard.
    socket.on('error', fail)
    socket.once('close', () => fail(codedError('ECONNRESET', 'the connection was closed')))
    if (signal.aborted) stop()
  })
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}
