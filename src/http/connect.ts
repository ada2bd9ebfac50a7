import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { codedError } from './failures.ts'
import { openSocket, type SocketOptions } from './open-socket.ts'
import { probeTls } from './socket-steps.ts'

export interface ConnectorOptions extends SocketOptions {
  /** For name lookup, TCP, proxy and TLS together, in milliseconds. */
  readonly timeout: number
  /** Origins that may well speak no TLS, where something else is tried then: that is found out first, at little cost. */
  readonly mayLackTls?: ReadonlySet<string> | undefined
}

export interface Connector {
  /** For undici. Errors come wrapped: undici connects again for ever, or never again, on some codes of its own and of TLS. */
  readonly connect: buildConnector.connector
  /** Says that a request wants an origin; the function returned takes that back. Connecting for nobody ends at once. */
  demand(origin: string): () => void
  /** The address that an origin, or the proxy before it, was last connected to. */
  addressOf(origin: string): string | undefined
  /** Destroys all sockets; whoever connects now or later gets the reason. */
  close(reason: Error): void
}

/**
 * What undici opens its sockets with. There is one deadline over each attempt, and whatever ends one destroys its socket.
 */
export function createConnector(options: ConnectorOptions): Connector {
  const attempts = new Map<AbortController, string>()
  const demands = new Map<string, number>()
  const sockets = new Set<Socket>()
  const addresses = new Map<string, string | undefined>()
  const doubtful = new Set(options.mayLackTls)
  let closed: Error | undefined

  const abandon = (reason: Error, isLost: (origin: string) => boolean) => {
    for (const [attempt, origin] of attempts) if (isLost(origin)) attempt.abort(reason)
  }

  const open = async (target: URL, signal: AbortSignal) => {
    if (doubtful.has(target.origin) && !options.proxyFor(target)) await probeTls(target, signal)
    doubtful.delete(target.origin)
    return openSocket(target, options, signal)
  }

  return {
    connect({ protocol, host = '' }, callback) {
      const target = new URL(`${protocol}//${host}`)
      const attempt = new AbortController()
      const deadline = setTimeout(() => attempt.abort(timeoutError(options.timeout)), options.timeout)
      attempts.set(attempt, target.origin)
      if (closed) attempt.abort(closed)
      // undici connects once more when a request is aborted before its answer.
      if (!demands.get(target.origin)) attempt.abort(unwanted)

      const fail = (error: unknown) => callback(new Error('not connected', { cause: error }), null)
      const handOver = (socket: Socket) => {
        if (closed) socket.destroy()
        // A dead socket would make undici connect again, without end.
        if (socket.destroyed) return fail(closed ?? codedError('ECONNRESET', 'the connection was closed'))
        addresses.set(target.origin, socket.remoteAddress)
        sockets.add(socket.once('close', () => sockets.delete(socket)))
        callback(null, socket)
      }
      open(target, attempt.signal)
        .finally(() => {
          clearTimeout(deadline)
          attempts.delete(attempt)
        })
        .then(handOver, fail)
    },
    demand(origin) {
      demands.set(origin, (demands.get(origin) ?? 0) + 1)
      return () => {
        const left = (demands.get(origin) ?? 0) - 1
        demands.set(origin, left)
        if (left === 0) abandon(unwanted, (lost) => lost === origin)
      }
    },
    addressOf: (origin) => addresses.get(origin),
    close(reason) {
      closed = reason
      abandon(reason, () => true)
      for (const socket of sockets) socket.destroy(reason)
    },
  }
}

const unwanted = codedError('ABORT_ERR', 'no request waits for the connection')

function timeoutError(timeout: number): Error {
  return codedError('ETIMEDOUT', `no connection within ${timeout / 1000} s`)
}
