import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { registry } from '../registry.ts'
import { tlsFixture } from '../serve.ts'
import type { StandIn } from './fault-row.ts'
import type { World } from './world.ts'

/** A registry whose TLS is set up in this way. */
export const tlsRegistry =
  (options: ServerOptions) =>
  ({ content }: World): Promise<StandIn> =>
    listen(createServer({ ...tlsFixture('server'), ...options }, registry(content)))

/** A server that speaks HTTP/2 and nothing else. */
export const http2Only = (): Promise<StandIn> =>
  listen(createSecureServer({ ...tlsFixture('server'), allowHTTP1: false }))

async function listen(server: Server): Promise<StandIn> {
  const sockets = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted += 1
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => accepted,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
