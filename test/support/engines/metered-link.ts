import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export interface MeteredLink {
  /** `host:port` of this end. */
  readonly host: string
  /** How many bytes the other end has sent in all. */
  sent(): number
  stop(): Promise<void>
}

/**
 * A TCP port that leads to another one, over a link that all connections share: it lets so many bytes per second of the
 * answers through, and counts them.
 */
export async function startMeteredLink(target: string, bytesPerSecond: number): Promise<MeteredLink> {
  const sockets = new Set<Socket>()
  const [targetHost, targetPort] = target.split(':')
  const takeTurn = createTurns(bytesPerSecond)
  let sent = 0
  const pass = async (far: Socket, near: Socket) => {
    for await (const chunk of far as AsyncIterable<Buffer>) {
      sent += chunk.length
      await takeTurn(chunk.length)
      if (near.destroyed) return
      if (!near.write(chunk)) await Promise.race([once(near, 'drain'), once(near, 'close')])
    }
    near.end()
  }
  const server = createServer((near) => {
    const far = connect(Number(targetPort), targetHost)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.on('close', () => far.destroy())
    near.pipe(far)
    pass(far, near).catch(() => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    sent: () => sent,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Shorter waits than this, in milliseconds, a timer does not keep. */
const shortestWait = 2

function createTurns(bytesPerSecond: number): (bytes: number) => Promise<void> {
  let isFree = 0
  return async (bytes) => {
    const now = performance.now()
    isFree = Math.max(now, isFree) + (bytes / bytesPerSecond) * 1000
    if (isFree - now > shortestWait) await wait(isFree - now)
  }
}
