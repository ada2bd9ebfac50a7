import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface RawServer {
  readonly host: string
  /** How many connections have come in so far. */
  readonly accepted: () => number
  /** How many of them are open at this moment. */
  readonly open: () => number
  /** What they have sent, each in one text. */
  readonly received: () => readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** A TCP server on a free loopback port that does what it is told with a connection, and counts. */
export async function rawServer(onConnection: (socket: Socket) => void): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const received: string[] = []
  const server = createServer((socket) => {
    const index = received.push('') - 1
    sockets.add(socket)
    socket.on('data', (bytes) => {
      received[index] += bytes.toString('latin1')
    })
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted: () => received.length,
    open: () => sockets.size,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Says this as soon as something has been asked. */
export const says = (text: string) => (socket: Socket) => {
  socket.once('data', () => socket.write(text))
}

export const silent = () => {}
