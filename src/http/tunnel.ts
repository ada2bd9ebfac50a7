import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { ProxyServer } from './proxy.ts'
import { openProxyFailure } from './proxy-failure.ts'
import { loginPage, type ProxyAnswer, proxyRefusal } from './proxy-refusal.ts'
import { hideInHeaders, hideSecrets, secretsOf } from './secrets.ts'
import { peerOf, step } from './socket-steps.ts'
import { connectBySocks } from './socks.ts'

export interface TunnelOptions {
  readonly userAgent: string
}

/**
 * Asks a proxy for a connection to where a URL leads, by CONNECT or by SOCKS, over a connection to the proxy. Rejects with a
 * DrayError that names the proxy and its answer: PROXY_AUTH, NETWORK or ABORTED; the connection is destroyed then.
 */
export async function openTunnel(
  socket: Socket,
  target: URL,
  proxy: ProxyServer,
  { userAgent }: TunnelOptions,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    return proxy.url.protocol === 'socks5:'
      ? await connectBySocks(socket, peerOf(target), proxy, signal)
      : await askByConnect(socket, target, proxy, userAgent, signal)
  } catch (error) {
    throw openProxyFailure(error, proxy)
  }
}

/** RFC 9110 section 9.3.6. */
function askByConnect(
  socket: Socket,
  target: URL,
  proxy: ProxyServer,
  userAgent: string,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = `${target.hostname}:${peerOf(target).port}`
  const asking = request({
    method: 'CONNECT',
    path: authority,
    createConnection: () => socket,
    headers: {
      host: authority,
      'user-agent': userAgent,
      ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }),
    },
  })
  asking.removeHeader('connection') // Node's default, `close`, is not what we want of a tunnel
  return step(socket, signal, (done, fail) => {
    asking.on('error', fail)
    asking.once('connect', (response, _socket, early) => {
      const status = response.statusCode ?? 0
      if (status < 200 || status > 299)
        return fail(proxyRefusal(proxy, authority, status, withoutEcho(response, proxy)))
      if (isPage(response, early)) return fail(loginPage(proxy, status, withoutEcho(response, proxy)))
      if (early.length > 0) socket.unshift(early)
      done(socket)
    })
    asking.end()
  })
}

function withoutEcho(
  { statusMessage = '', headers }: IncomingMessage,
  { authorization = '' }: ProxyServer,
): ProxyAnswer {
  const secrets = secretsOf(authorization)
  return { statusMessage: hideSecrets(statusMessage, secrets), headers: hideInHeaders(headers, secrets) }
}

/** A tunnel has no content; of what a login page announces, a type alone would prove nothing. */
function isPage({ headers }: IncomingMessage, early: Buffer): boolean {
  const hasContent =
    early.length > 0 || Number(headers['content-length']) > 0 || 'transfer-encoding' in headers
  return hasContent && /^text\/html\b/i.test(headers['content-type'] ?? '')
}
