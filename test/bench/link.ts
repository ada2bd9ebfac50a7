// A wire to a registry, as a program of its own so that it takes no time from whom it serves:
//   node .build/run.js test/bench/link.ts TARGET OPTIONS     prints host:port; OPTIONS are LinkOptions as JSON
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { LinkOptions } from './start-link.ts'

const [target = '', options = '{}'] = process.argv.slice(2)
const { perConnection, shared, roundTrip = 0 }: LinkOptions = JSON.parse(options)
const [targetHost, targetPort] = target.split(':')

/** As much as is on its way at most, per connection; the window of TCP grows to about this. */
const window = 4 * 1024 * 1024
/** In bytes. */
const partSize = 256 * 1024
/** So much may be made up for when a timer was late, in milliseconds. */
const lateness = 50

const line = shared === undefined ? unlimited : limitedTo(shared)
const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connectForMuch({ host: targetHost, port: Number(targetPort), allowHalfOpen: true })
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const)
    socket.on('error', () => other.destroy()).on('close', () => other.destroy())
  const own = perConnection === undefined ? unlimited : limitedTo(perConnection)
  // A connection takes a round trip before it carries anything.
  const opened = performance.now() + roundTrip
  carry(near, far, (_, now) => Math.max(now, opened) + roundTrip / 2)
  carry(far, near, (bytes, now) => Math.max(own(bytes, now), line(bytes, now)) + roundTrip / 2)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
console.log(`127.0.0.1:${port}`)

/** Brings as much at a time as there is, not 64 KiB: each part that is passed on takes time from whom the wire serves. */
function connectForMuch(options: TcpNetConnectOpts): Socket {
  const socket: Socket = connect({
    ...options,
    onread: {
      buffer: () => Buffer.allocUnsafeSlow(partSize),
      callback(size, buffer) {
        const bytes = buffer.subarray(0, size)
        // A copy, where little would hold on to much.
        socket.emit('data', size < partSize / 2 ? Buffer.from(bytes) : bytes)
        return true
      },
    },
  })
  return socket
}

/** When so many bytes that come now are through, in milliseconds. */
type Pace = (bytes: number, now: number) => number

function unlimited(_: number, now: number): number {
  return now
}

function limitedTo(bytesPerSecond: number): Pace {
  let free = 0
  return (bytes, now) => {
    free = Math.max(free, now - lateness) + (bytes / bytesPerSecond) * 1000
    return free
  }
}

/** Passes on what comes, in its order, each part at its time. */
function carry(from: Socket, to: Socket, arrival: Pace): void {
  const parts: { readonly time: number; readonly bytes: Buffer | undefined }[] = []
  let underWay = 0
  const deliver = () => {
    for (let part = parts[0]; part && part.time <= performance.now(); part = parts[0]) {
      parts.shift()
      if (part.bytes) to.write(part.bytes)
      else to.end()
      underWay -= part.bytes?.length ?? 0
    }
    if (underWay < window && to.writableLength < window) from.resume()
    if (parts[0]) setTimeout(deliver, parts[0].time - performance.now())
  }
  const accept = (bytes?: Buffer) => {
    parts.push({ time: arrival(bytes?.length ?? 0, performance.now()), bytes })
    underWay += bytes?.length ?? 0
    if (underWay > window) from.pause()
    if (parts.length === 1) deliver()
  }
  from.on('data', accept).on('end', () => accept())
  to.on('drain', () => from.resume())
}
