import type { OnReadOpts, Socket } from 'node:net'

/** In bytes. With twice as much, pulls took 10 MB more of memory. */
const size = 128 * 1024
/** So much, while what came before has not been taken: Node reads on whenever some of that is, however little. */
const little = 16 * 1024

/**
 * For a socket: takes as much at a time as the system holds, where Node by itself takes 64 KB, for what a chunk costs on its way
 * from stream to stream does not depend on its size. A full buffer is handed on as it is; less is copied out of it.
 */
export function largeReads(socket: () => Socket): OnReadOpts {
  let buffer = Buffer.allocUnsafeSlow(size)
  let isBehind = false
  const push = (chunk: Buffer) => {
    const goesOn = socket().push(chunk)
    isBehind = socket().readableLength > chunk.length
    return goesOn
  }
  return {
    buffer: () => (isBehind ? buffer.subarray(0, little) : buffer),
    callback(count) {
      if (count < size) return push(Buffer.from(buffer.subarray(0, count)))
      const full = buffer
      buffer = Buffer.allocUnsafeSlow(size)
      return push(full)
    },
  }
}
