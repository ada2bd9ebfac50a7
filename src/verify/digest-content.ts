import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { DrayError, isDrayError } from '../errors.ts'
import { type Digest, type DigestAlgorithm, finishDigest } from '../oci/digest.ts'
import { type Compression, compressionOf } from '../streams/compression.ts'
import { decompress } from '../streams/decompress.ts'

/** Bytes by what they hash to. */
export interface Digested {
  readonly size: number
  readonly digests: Readonly<Partial<Record<DigestAlgorithm, Digest>>>
}

export interface DigestedContent extends Digested {
  readonly compression: Compression
  /** The same unpacked, where it is compressed in a way that dray reads; or why it does not unpack. */
  readonly unpacked?: Digested | DrayError
  /** The bytes themselves, where they were asked for. */
  readonly bytes?: Buffer
}

export interface DigestOptions {
  readonly algorithms: readonly DigestAlgorithm[]
  /** Decides, by the first bytes, whether the bytes are kept. */
  readonly keep: (head: Buffer) => boolean
}

/**
 * Hashes content while it passes and, where it is compressed, what is in it too. The first piece has the first bytes that
 * tell how. Throws what the content throws.
 */
export async function digestContent(
  content: AsyncIterable<Buffer>,
  { algorithms, keep }: DigestOptions,
): Promise<DigestedContent> {
  const hasher = createHasher(algorithms)
  const kept: Buffer[] = []
  let compression: Compression | undefined
  let unpacker: Unpacker | undefined
  let isKept = false
  try {
    for await (const piece of content) {
      if (compression === undefined) {
        compression = compressionOf(piece)
        isKept = keep(piece)
        if (compression === 'gzip' || compression === 'zstd') unpacker = createUnpacker(algorithms)
      }
      hasher.update(piece)
      if (isKept) kept.push(piece)
      await unpacker?.write(piece)
    }
    const unpacked = await unpacker?.end()
    return {
      ...hasher.finish(),
      compression: compression ?? 'none',
      ...(unpacked && { unpacked }),
      ...(isKept && { bytes: copyOf(kept) }),
    }
  } finally {
    unpacker?.destroy()
  }
}

/** Memory of its own: a piece of a pool, or of what was read, would hold all of that. */
function copyOf(pieces: readonly Buffer[]): Buffer {
  const copy = Buffer.alloc(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) at += piece.copy(copy, at)
  return copy
}

function createHasher(algorithms: readonly DigestAlgorithm[]) {
  const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const)
  let size = 0
  return {
    update(piece: Uint8Array): void {
      size += piece.length
      for (const [, hash] of hashes) hash.update(piece)
    },
    finish(): Digested {
      const digests = hashes.map(([algorithm, hash]) => [algorithm, finishDigest(hash, algorithm)] as const)
      return { size, digests: Object.fromEntries(digests) }
    },
  }
}

interface Unpacker {
  /** Resolves when more may come. What comes after the data turned out to be corrupt is ignored. */
  write(piece: Buffer): Promise<void>
  end(): Promise<Digested | DrayError>
  destroy(): void
}

function createUnpacker(algorithms: readonly DigestAlgorithm[]): Unpacker {
  const hasher = createHasher(algorithms)
  const input = new PassThrough({ highWaterMark: 1024 * 1024 })
  let failure: DrayError | undefined
  const hashAll = async () => {
    for await (const piece of decompress(input, 'it')) hasher.update(piece)
  }
  const done = hashAll().catch((error) => {
    failure = isDrayError(error) ? error : new DrayError('INTEGRITY', 'it does not unpack', { cause: error })
    input.destroy()
  })
  return {
    async write(piece) {
      if (failure || input.destroyed || input.write(piece)) return
      const stopped = new AbortController()
      const drained = once(input, 'drain', { signal: stopped.signal }).catch(() => {})
      await Promise.race([drained, done]).finally(() => stopped.abort())
    },
    async end() {
      input.end()
      await done
      return failure ?? hasher.finish()
    },
    destroy: () => void input.destroy(),
  }
}
