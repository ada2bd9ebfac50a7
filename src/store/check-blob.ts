import { createHash } from 'node:crypto'
import { type Digest, digestAlgorithm, finishDigest } from '../oci/digest.ts'
import { closeRead, openForReading, readPieces } from './blob-files.ts'

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined
  /** What is there is read only then. */
  readonly turn?: Promise<void>
}

/**
 * The size of the blob that is at rest in a file, its bytes hashed; undefined when there is none, or another. Throws
 * FILE, and the reason of `signal`.
 */
export async function checkBlob(
  path: string,
  digest: Digest,
  { signal, turn }: CheckOptions,
): Promise<number | undefined> {
  const file = await openForReading(path)
  if (!file) return undefined
  const algorithm = digestAlgorithm(digest)
  const hash = createHash(algorithm)
  const onPiece = (piece: Buffer) => {
    signal?.throwIfAborted()
    hash.update(piece)
  }
  const read = async () => {
    await turn
    signal?.throwIfAborted()
    return readPieces(file, { path, onPiece })
  }
  const size = await read().finally(() => closeRead(file))
  return finishDigest(hash, algorithm) === digest ? size : undefined
}
