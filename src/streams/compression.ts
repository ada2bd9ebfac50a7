import type { Readable } from 'node:stream'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** How many bytes tell the compression: the longest of the magic numbers. */
export const magicLength = 6

/** By the magic number; whatever has none is a plain tar. */
export function compressionOf(head: Buffer): Compression {
  const hex = head.subarray(0, magicLength).toString('hex')
  if (hex.startsWith('1f8b08')) return 'gzip'
  if (hex.startsWith('28b52ffd') || /^5.2a4d18/.test(hex)) return 'zstd'
  if (hex.startsWith('fd377a585a00')) return 'xz'
  return hex.startsWith('425a68') ? 'bzip2' : 'none'
}

/** How a stream is compressed, by its first bytes, which stay in it. */
export async function detectCompression(source: Readable): Promise<Compression> {
  return compressionOf(await peek(source))
}

/** The first bytes, which stay in the stream; fewer when there are no more. */
function peek(source: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const head: Buffer | null = source.read(magicLength)
      if (head === null) return
      source.unshift(head)
      settle(() => resolve(head))
    }
    const settle = (act: () => void) => {
      source.off('readable', look).off('end', end).off('error', fail).off('close', close)
      act()
    }
    const end = () => settle(() => resolve(Buffer.alloc(0)))
    const fail = (error: Error) => settle(() => reject(error))
    const close = () => settle(() => reject(new Error('the source was closed before it ended')))
    source.on('readable', look).on('end', end).on('error', fail).on('close', close)
  })
}
