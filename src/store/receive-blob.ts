import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type DrayError, isDrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, finishDigest, shortDigest } from '../oci/digest.ts'
import { countGarbage } from '../streams/collect-garbage.ts'
import { pipeToFile } from '../streams/file-sink.ts'
import { freeMemory } from '../streams/free-memory.ts'
import { isTooLong, mismatch, tooLong } from '../streams/verify.ts'
import { readPieces } from './blob-files.ts'
import type { BlobSource } from './blob-store.ts'

export interface BlobReceipt {
  readonly descriptor: Descriptor
  readonly source: BlobSource
  readonly file: FileHandle
  /** Names the file in messages. */
  readonly path: string
  /** Where in the file the blob begins, in bytes. */
  readonly offset: number
  /** So many bytes there, at most, are what an earlier attempt left. */
  readonly kept: number
  readonly signal: AbortSignal
  /** The first so many bytes are there. */
  readonly onAvailable: (size: number) => void
}

/**
 * Hashes what is there, then what the source sends. Nothing is flushed to the disk on the way, for a machine that
 * crashes costs time only: bytes that were there before this process are hashed before they count. Null when the blob is
 * whole; otherwise what is wrong with the bytes. Throws FILE, and what the source throws.
 */
export async function receiveBlob(receipt: BlobReceipt): Promise<DrayError | null> {
  const { descriptor, source, file, path, offset, kept, signal, onAvailable } = receipt
  const algorithm = digestAlgorithm(descriptor.digest)
  const hash = createHash(algorithm)
  const onPiece = (piece: Buffer) => {
    signal.throwIfAborted()
    hash.update(piece)
  }
  const found = await readPieces(file, { from: offset, size: kept, path, onPiece })
  let size = found
  onAvailable(size)

  const what = `blob ${shortDigest(descriptor.digest)}`
  const outcome = () => mismatch(descriptor, { digest: finishDigest(hash, algorithm), size }, what)
  if (size === descriptor.size) return outcome()

  const onChunk = (chunk: Buffer) => {
    size += chunk.length
    if (size > descriptor.size) throw tooLong(what, descriptor.size)
    hash.update(chunk)
  }
  const onWritten = (position: number, chunks: readonly Buffer[]) => {
    onAvailable(position - offset)
    countGarbage(freeMemory(chunks))
  }
  try {
    const body = await source(found, signal)
    await pipeToFile(body, file, { position: offset + found, path, onChunk, onWritten, signal })
  } catch (error) {
    // Whoever counts them first, it may be an old beginning that was too much.
    if (isDrayError(error) && isTooLong(error)) return error
    throw error
  }
  return outcome()
}
