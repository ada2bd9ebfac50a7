import type { OnReadOpts } from 'node:net'

/** In bytes. With twice as much, pulls took 10 MB more of memory. */
const size = 128 * 1024

/**
 * For a socket: takes as much at a time as the system holds, where Node by itself takes 64 KB, for what a chunk costs on its way
 * from stream to stream does not depend on its size. A full buffer is handed on as it is; less is copied out of it.
 */
export function largeReads(push: (chunk: Buffer) => boolean): OnReadOpts {
  let buffer = Buffer.allocUnsafeSlow(size)
  return {
    buffer: () => buffer,
    callback(count) {
      if (count < size) return push(Buffer.from(buffer.subarray(0, count)))
      const full = buffer
      buffer = Buffer.allocUnsafeSlow(size)
      return push(full)
    },
  }
}
