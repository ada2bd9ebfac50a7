import type { Socket } from 'node:net'
import { notTls, toNetworkError, type Where } from '../http/network-error.ts'
import { isLoopbackHost } from '../http/origin.ts'
import { isTunnelled, type ProxyServer } from '../http/proxy.ts'
import { openProxyFailure, proxyFailure } from '../http/proxy-failure.ts'
import { peerOf, secure } from '../http/socket-steps.ts'
import { openTunnel } from '../http/tunnel.ts'
import { describeTls } from './describe-tls.ts'
import type { Outcome, RunStep, Say } from './finding.ts'
import { dialEach, lookUp, type Wires, withDeadline } from './reach.ts'

export interface Destination extends Where {
  /** Where the same is served over http, should it turn out to speak no TLS. */
  readonly withoutTls?: URL | undefined
}

/**
 * Opens a connection in the steps that a pull takes: name, addresses or proxy, TLS. Resolves to the URL to go on with:
 * the one without TLS where the server speaks none and that is allowed.
 */
export async function checkConnection(destination: Destination, wires: Wires, run: RunStep): Promise<URL> {
  const { url } = destination
  const proxy = chooseProxy(url, wires)
  const socket = proxy
    ? await reachByProxy(proxy, destination, wires, run)
    : await reachDirectly(destination, wires, run)
  try {
    const way = { ...destination, via: proxy?.().url }
    return await run('tls', (say) => checkTls(socket, way, wires, say))
  } finally {
    socket?.destroy()
  }
}

/** A setting that makes no sense is the failure of the step that needs it. */
function chooseProxy(url: URL, wires: Wires): (() => ProxyServer) | undefined {
  try {
    const proxy = wires.proxyFor(url)
    return proxy && (() => proxy)
  } catch (error) {
    return () => {
      throw error
    }
  }
}

async function reachDirectly(destination: Destination, wires: Wires, run: RunStep): Promise<Socket> {
  const peer = peerOf(destination.url)
  const explain = (error: unknown) => toNetworkError(error, destination)
  const addresses = await run('dns', () => lookUp(peer, explain, wires))
  const socket = await run('tcp', (say) => dialEach(addresses, peer, explain, wires, say))
  await run('proxy', async () => ({ status: 'skipped', summary: 'none', value: undefined }))
  return socket
}

/** Names are looked up, and connections opened, by the proxy. */
async function reachByProxy(
  choose: () => ProxyServer,
  destination: Destination,
  wires: Wires,
  run: RunStep,
): Promise<Socket | undefined> {
  const skip = (summary: string) => async () => ({ status: 'skipped' as const, summary, value: undefined })
  await run('dns', skip('not looked up here: that is for the proxy'))
  await run('tcp', skip('not connected from here: that is for the proxy'))
  return run('proxy', (say) => askProxy(choose(), destination, wires, say))
}

/** The connection through it; undefined where it is handed requests in plain http, and asked for no connection. */
async function askProxy(
  proxy: ProxyServer,
  { url }: Destination,
  wires: Wires,
  say: Say,
): Promise<Outcome<Socket | undefined>> {
  const name = `${proxy.url.protocol}//${proxy.url.host}${proxy.from === undefined ? '' : ` (${proxy.from})`}`
  say(`the proxy is ${name}`)
  const channel = await reachProxy(proxy, wires, say)
  if (!isTunnelled(url, proxy)) {
    channel.destroy()
    return { summary: `${name} is there; plain http is handed to it as it is`, value: undefined }
  }
  const { host, port } = peerOf(url)
  const tunnel = await withDeadline(wires, (signal) => openTunnel(channel, url, proxy, wires, signal))
  return { summary: `${name} connected us to ${host}:${port}`, value: tunnel }
}

async function reachProxy(proxy: ProxyServer, wires: Wires, say: Say): Promise<Socket> {
  const peer = peerOf(proxy.url)
  const explain = (error: unknown) => proxyFailure(error, proxy)
  const { value: addresses, summary } = await lookUp(peer, explain, wires)
  say(summary)
  const { value: socket } = await dialEach(addresses, peer, explain, wires, say)
  if (proxy.url.protocol !== 'https:') return socket
  try {
    return await withDeadline(wires, (signal) => secure(socket, proxy.url, wires, signal))
  } catch (error) {
    throw openProxyFailure(error, proxy)
  }
}

async function checkTls(
  socket: Socket | undefined,
  { url, withoutTls, ...where }: Destination,
  wires: Wires,
  say: Say,
): Promise<Outcome<URL>> {
  if (!socket || url.protocol === 'http:') {
    return { status: 'skipped', summary: 'plain http: nothing is encrypted', value: url }
  }
  try {
    const secured = await withDeadline(wires, (signal) => secure(socket, url, wires, signal))
    const { status, summary } = await describeTls(secured, url, wires, say)
    secured.destroy()
    return { status, summary, value: url }
  } catch (error) {
    if (!withoutTls || !notTls(error)) throw toNetworkError(error, { ...where, url })
    const status = isLoopbackHost(url.hostname) ? 'ok' : 'warning'
    return { status, summary: 'it speaks no TLS: plain http, as is allowed for it', value: withoutTls }
  }
}
