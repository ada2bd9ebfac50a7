import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SocksServer {
  readonly host: string
  /** What it was asked to connect to, and by whom: `alice:secret → r.example:443`. */
  readonly asked: readonly string[]
  readonly accepted: () => number
  readonly open: () => number
  [Symbol.asyncDispose](): Promise<void>
}

export interface SocksServerOptions {
  /** `user:password`; it wants none when absent. */
  readonly login?: string
  /** What it says to a request to connect (RFC 1928 section 6); 0, granted, when absent. */
  readonly reply?: number
  /** Where whatever it is asked for really is, on this machine. */
  readonly port?: number
}

/** A SOCKS5 proxy that resolves every name to this machine. */
export async function socksServer({
  login,
  reply = 0,
  port = 1,
}: SocksServerOptions = {}): Promise<SocksServer> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  let accepted = 0
  const serve = async (socket: Socket) => {
    const method = login ? 2 : 0
    const offered = await read(socket)
    const isOffered = offered.subarray(2).includes(method)
    socket.write(Buffer.from([5, isOffered ? method : 0xff]))
    if (!isOffered) return socket.end()
    const who = login ? parseLogin(await read(socket)) : ''
    if (login) socket.write(Buffer.from([1, who === login ? 0 : 1]))
    if (login && who !== login) return socket.end()
    asked.push(`${who} → ${parseTarget(await read(socket))}`)
    const answer = Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
    if (reply !== 0) return socket.end(answer)
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write(answer)
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  }
  const server = createServer((socket) => {
    accepted++
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    serve(socket).catch(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    accepted: () => accepted,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function read(socket: Socket): Promise<Buffer> {
  const [bytes] = await once(socket, 'data')
  return bytes
}

/** RFC 1929. */
function parseLogin(message: Buffer): string {
  const nameEnd = 2 + (message[1] ?? 0)
  return `${message.subarray(2, nameEnd)}:${message.subarray(nameEnd + 1)}`
}

/** RFC 1928 section 4. */
function parseTarget(message: Buffer): string {
  const address = message.subarray(4, -2)
  const port = message.readUInt16BE(message.length - 2)
  if (message[3] === 3) return `${address.subarray(1)}:${port}`
  return message[3] === 1 ? `${[...address].join('.')}:${port}` : `[${address.toString('hex')}]:${port}`
}
