import type { Socket } from 'node:net'
import type { TlsOptions } from './handshake.ts'
import { isTunnelled, type ProxyServer } from './proxy.ts'
import { openProxyFailure, proxyFailure } from './proxy-failure.ts'
import { dial, secure } from './socket-steps.ts'
import { openTunnel } from './tunnel.ts'

export interface SocketOptions {
  /** Which proxy an origin is reached through. */
  readonly proxyFor: (url: URL) => ProxyServer | undefined
  readonly tlsFor: (origin: URL) => Promise<TlsOptions>
  readonly userAgent: string
}

/**
 * Opens a socket to an origin: directly or by a tunnel through a proxy, and TLS where the origin says https. Rejects with
 * what Node says, with the signal's reason, or with a DrayError when it was the proxy that failed; no socket is left then.
 */
export async function openSocket(target: URL, options: SocketOptions, signal: AbortSignal): Promise<Socket> {
  const proxy = options.proxyFor(target)
  const socket =
    proxy && isTunnelled(target, proxy)
      ? await openTunnel(await reachProxy(proxy, options, signal), target, proxy, options, signal)
      : await dial(target, signal)
  return target.protocol === 'https:' ? secure(socket, target, options, signal) : socket
}

/** Whatever fails on the way to the proxy is the proxy's failure, and is called so. */
async function reachProxy(proxy: ProxyServer, options: SocketOptions, signal: AbortSignal): Promise<Socket> {
  const socket = await dial(proxy.url, signal).catch((error) => {
    throw proxyFailure(error, proxy)
  })
  if (proxy.url.protocol !== 'https:') return socket
  return secure(socket, proxy.url, options, signal).catch((error) => {
    throw openProxyFailure(error, proxy)
  })
}
