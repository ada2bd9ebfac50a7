import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { DrayError, systemErrorCode } from '../errors.ts'
import { splitZstd } from './zstd-frames.ts'

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** zlib's own 16 KiB would cost more than half of the speed. */
const chunkSize = 256 * 1024
const inflateOptions = { chunkSize, highWaterMark: 4 * chunkSize }

/**
 * The uncompressed bytes of a layer: gzip (of any number of members), zstd (of any number of frames) or plain, by its
 * first bytes, for media types lie. `what` names the layer in messages. Fails with INTEGRITY when the data is corrupt
 * or cut off, UNSUPPORTED for xz and bzip2, and otherwise as the source does. Destroying it destroys the source.
 */
export function decompress(source: Readable, what: string): Readable {
  const output = new PassThrough({
    highWaterMark: 4 * chunkSize,
    destroy(error, done) {
      source.destroy()
      done(error && explain(error, what))
    },
  })
  const run = async () => inflate(await peek(source), { source, output, what })
  run().catch((error) => output.destroy(error))
  return output
}

/** How a stream is compressed, by its first bytes, which stay in it. */
export async function detectCompression(source: Readable): Promise<Compression> {
  return compressionOf(await peek(source))
}

/** Longest of the magic numbers below. */
const magicLength = 6

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

interface Stages {
  readonly source: Readable
  readonly output: PassThrough
  readonly what: string
}

async function inflate(head: Buffer, { source, output, what }: Stages): Promise<void> {
  const compression = compressionOf(head)
  switch (compression) {
    case 'none':
      return head.length === 0 ? void output.end() : pipeline(source, output)
    case 'gzip':
      return pipeline(source, zlib.createGunzip(inflateOptions), decoupled, output)
    case 'zstd':
      return inflateZstd({ source, output, what })
    default:
      throw new DrayError(
        'UNSUPPORTED',
        `${what} is compressed with ${compression}, which dray does not read`,
        {
          hint: 'pull it with the oci format, which keeps layers as they are',
        },
      )
  }
}

/**
 * Hands chunks on in a later turn of the event loop: the thread that inflates begins the next chunk before this one is
 * hashed and written, not after.
 */
async function* decoupled(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
}

/** By the magic number; whatever has none is a plain tar. */
export function compressionOf(head: Buffer): Compression {
  const hex = head.toString('hex')
  if (hex.startsWith('1f8b08')) return 'gzip'
  if (hex.startsWith('28b52ffd') || /^5.2a4d18/.test(hex)) return 'zstd'
  if (hex.startsWith('fd377a585a00')) return 'xz'
  return hex.startsWith('425a68') ? 'bzip2' : 'none'
}

/** Node has zstd since 22.15; before that a decoder in JavaScript does it, more slowly. */
async function inflateZstd({ source, output, what }: Stages): Promise<void> {
  const native = nativeZstd()
  if (native) {
    const pieces = (chunks: AsyncIterable<Buffer>) => splitZstd(chunks, { maxWindow: 2 ** 27, what })
    return pipeline(source, pieces, native({ chunkSize }), output)
  }
  const pieces = (chunks: AsyncIterable<Buffer>) =>
    decodeZstd(splitZstd(chunks, { maxWindow: 2 ** 25, what }), what)
  return pipeline(source, pieces, output)
}

function nativeZstd(): ((options: { chunkSize: number }) => NodeJS.ReadWriteStream) | undefined {
  return 'createZstdDecompress' in zlib
    ? (zlib.createZstdDecompress as (options: { chunkSize: number }) => NodeJS.ReadWriteStream)
    : undefined
}

/** Decodes block by block. fzstd is wrong beyond 32 MiB, its maximum window, and checks no checksums: the diffID does. */
async function* decodeZstd(blocks: AsyncIterable<Buffer>, what: string): AsyncGenerator<Uint8Array> {
  let decoded: Uint8Array[] = []
  const decoder = new Decompress((bytes) => decoded.push(bytes))
  const decode = (block: Uint8Array, isLast: boolean) => {
    decoded = []
    try {
      decoder.push(block, isLast)
    } catch (error) {
      throw corrupt(what, error)
    }
    return decoded
  }
  for await (const block of blocks) yield* decode(block, false)
  yield* decode(new Uint8Array(), true)
}

/** zlib's errors are about the data; anything else (a file, the network, an abort) is not. */
function explain(error: Error, what: string): Error {
  return /^(Z|ZSTD)_/.test(systemErrorCode(error) ?? '') ? corrupt(what, error) : error
}

function corrupt(what: string, cause: unknown): DrayError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DrayError('INTEGRITY', `${what} is corrupt: it does not decompress (${reason})`, { cause })
}
