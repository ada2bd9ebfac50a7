import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** What a server of the tests does with a request. Handlers wrap handlers. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

export interface TestServer {
  /** `127.0.0.1:PORT`, as it stands in a reference. */
  readonly host: string
  readonly port: number
  readonly url: string
  /** Every request that came in, in order. */
  readonly requests: readonly SeenRequest[]
  /** Connections open at this moment. */
  readonly openSockets: () => number
  close(): Promise<void>
}

export interface ServeOptions {
  /** Serve TLS with the certificate of this name in `test/fixtures/tls`. */
  readonly tls?: string
  readonly hostname?: string
}

/** Serves a handler on a free loopback port. */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<TestServer> {
  const { hostname = '127.0.0.1' } = options
  const requests: SeenRequest[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    response.on('error', () => {})
    await handler(request, response)
  }
  const server = options.tls ? createTlsServer(tlsFixture(options.tls), listener) : createServer(listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    const name = nameOf(socket)
    rawSockets.set(name, socket)
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket)
        rawSockets.delete(name)
      })
  })
  server.listen(0, hostname)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const host = `${hostname}:${port}`
  return {
    host,
    port,
    url: `${options.tls ? 'https' : 'http'}://${host}`,
    requests,
    openSockets: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What is below HTTP, and below TLS where there is some. */
const rawSockets = new Map<string, Socket>()

function nameOf({ localPort, remotePort }: Socket): string {
  return `${localPort} ${remotePort}`
}

/** Ends the connection that a request came by with a reset, as a host does that knows nothing of it any more. */
export function resetConnection({ socket }: IncomingMessage): void {
  rawSockets.get(nameOf(socket))?.resetAndDestroy()
}

export function tlsFixture(name: string): { cert: Buffer; key: Buffer } {
  const read = (file: string) => readFileSync(new URL(`../fixtures/tls/${file}`, import.meta.url))
  return { cert: read(`${name}.crt`), key: read(`${name}.key`) }
}
