import type { FileHandle } from 'node:fs/promises'
import type { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, shortDigest } from '../oci/digest.ts'
import { mismatch } from '../streams/verify.ts'
import { readAt } from './blob-files.ts'
import type { BlobWriter } from './blob-store.ts'
import { receiveBlob } from './receive-blob.ts'

export interface PlacedBlobsOptions {
  readonly file: FileHandle
  /** Names the file in messages. */
  readonly path: string
  /** Where each blob begins, in bytes; there are zeros where nothing has been written yet. */
  readonly places: ReadonlyMap<Digest, number>
  /** Blobs that are there already, by their sizes in bytes. */
  readonly atHand: ReadonlyMap<Digest, number>
  /** So many bytes of the file were left by an earlier attempt; among them are beginnings of blobs. */
  readonly left: number
  /** Told how many bytes more of a blob are there. */
  readonly onArrived: (bytes: number) => void
}

/** Writes blobs to their places in one file, going on from what an earlier attempt left there. */
export function createPlacedBlobs(options: PlacedBlobsOptions): BlobWriter {
  const { file, path, places, atHand, left, onArrived } = options
  return {
    has: async ({ digest, size }) => atHand.get(digest) === size,
    async write(descriptor, source, { signal, onProgress = () => {} }) {
      const { digest, size } = descriptor
      const offset = places.get(digest)
      if (offset === undefined) throw misplaced(descriptor, atHand.get(digest))
      const end = Math.min(offset + size, left)
      const beginnings = await findBeginnings(file, { offset, end, size, path })
      let last = 0
      const onAvailable = (available: number) => {
        if (available > last) onArrived(available - last)
        last = available
        onProgress(available)
      }
      let problem: DrayError | null = null
      for (const kept of [...beginnings, 0]) {
        const place = { file, path, offset, kept }
        problem = await receiveBlob({ descriptor, source, ...place, signal, onAvailable })
        if (!problem) return
      }
      throw problem
    },
  }
}

/** A manifest can promise the same blob in several sizes. */
function misplaced(descriptor: Descriptor, size = 0): unknown {
  const { digest } = descriptor
  return mismatch(descriptor, { digest, size }, `blob ${shortDigest(digest)}`)
}

interface Region {
  readonly offset: number
  readonly end: number
  /** Of the blob, in bytes. */
  readonly size: number
  readonly path: string
}

/** In bytes: many a blob ends in zeros itself. */
const fewZeros = 64

/** How long what is there of a blob may be, likeliest first. */
async function findBeginnings(file: FileHandle, region: Region): Promise<readonly number[]> {
  const { offset, end, size } = region
  const written = await writtenLength(file, region)
  const mayBeWhole = end - offset === size && size - written < fewZeros
  return mayBeWhole && written < size ? [size, written] : [written]
}

const pieceSize = 1024 * 1024
const zeros = Buffer.alloc(pieceSize)

/** Up to the last byte that is not zero. */
async function writtenLength(file: FileHandle, { offset, end, path }: Region): Promise<number> {
  const buffer = Buffer.allocUnsafe(pieceSize)
  let rest = Math.max(0, end - offset)
  while (rest > 0) {
    const length = Math.min(pieceSize, rest)
    const piece = buffer.subarray(0, length)
    const count = await readAt(file, piece, { position: offset + rest - length, path })
    // A short read leaves bytes of which nothing is known.
    if (count < length) piece.fill(0, count)
    if (!piece.equals(zeros.subarray(0, length))) return rest - trailingZeros(piece)
    rest -= length
  }
  return 0
}

function trailingZeros(bytes: Buffer): number {
  return bytes.length - 1 - bytes.findLastIndex((byte) => byte !== 0)
}
