import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'

export interface SlowLink {
  /** `host:port` of this end. */
  readonly host: string
  stop(): Promise<void>
}

/** A TCP port that leads to another one, and lets so many bytes per second of the answers through, per connection. */
export async function startSlowLink(target: string, bytesPerSecond: number): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const [targetHost, targetPort] = target.split(':')
  const server = createServer((near) => {
    const far = connect(Number(targetPort), targetHost)
    for (const socket of [near, far]) sockets.add(socket)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy())
    near.pipe(far)
    far.pipe(throttle(bytesPerSecond)).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function throttle(bytesPerSecond: number): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      wait((chunk.length / bytesPerSecond) * 1000).then(() => done(null, chunk))
    },
  })
}
