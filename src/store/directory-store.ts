import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Digest, digestAlgorithm, finishDigest, shortDigest } from '../oci/digest.ts'
import { type Arrival, createArrival } from './arrival.ts'
import {
  type BlobFiles,
  blobFiles,
  openForReading,
  prepareDirectory,
  readPieces,
  removeFile,
} from './blob-files.ts'
import type { BlobStore } from './blob-store.ts'
import { followBlob } from './follow-blob.ts'
import { writeBlob } from './write-blob.ts'

/**
 * Keeps blobs in a directory, as `blobs/<algorithm>/<hex>`, and what has arrived of others as `<hex>.partial`, like an
 * OCI image layout. Several processes may share it: what one writes, the others hash before they use it.
 * Throws FILE when the directory cannot be made or written to.
 */
export async function openDirectoryStore(directory: string): Promise<BlobStore> {
  await prepareDirectory(join(directory, 'blobs'))
  const arrivals = memoize((_digest: Digest) => createArrival())
  const checks = new Map<Digest, Promise<void>>()

  /** Finds out whether the blob is at rest; those who ask at the same time share the answer. */
  const check = async (digest: Digest): Promise<void> => {
    const arrival = arrivals(digest)
    if (arrival.isWhole) return
    const running = checks.get(digest) ?? checkBlob(digest, blobFiles(directory, digest), arrival)
    checks.set(digest, running)
    await running.finally(() => checks.delete(digest))
  }

  return {
    async has({ digest, size }) {
      await check(digest)
      const arrival = arrivals(digest)
      return arrival.isWhole && arrival.available === size
    },
    async write(descriptor, source, { signal, onProgress }) {
      const arrival = arrivals(descriptor.digest)
      const files = blobFiles(directory, descriptor.digest)
      const onAvailable = (size: number) => {
        arrival.advance(size)
        onProgress?.(size)
      }
      try {
        await prepareDirectory(files.directory)
        await writeBlob({ descriptor, files, source, signal, onAvailable, onDiscard: arrival.interrupt })
        arrival.complete(descriptor.size)
      } catch (error) {
        arrival.interrupt()
        throw error
      }
    },
    follow(digest, signal) {
      const files = blobFiles(directory, digest)
      const stream = followBlob(arrivals(digest), { files, what: `blob ${shortDigest(digest)}`, signal })
      check(digest).catch((error) => stream.destroy(error))
      return stream
    },
    async settled(digest, signal) {
      await check(digest)
      const arrival = arrivals(digest)
      while (!arrival.isWhole) await arrival.change(signal)
    },
  }
}

function memoize<K, V>(create: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const value = made.get(key) ?? create(key)
    made.set(key, value)
    return value
  }
}

/** A blob that is at rest and whole has arrived; one that is not what its name says is removed. */
async function checkBlob(digest: Digest, { whole }: BlobFiles, arrival: Arrival): Promise<void> {
  const file = await openForReading(whole)
  if (!file) return
  const algorithm = digestAlgorithm(digest)
  const hash = createHash(algorithm)
  let size: number
  try {
    size = await readPieces(file, { path: whole, onPiece: (piece) => hash.update(piece) })
  } finally {
    await file.close()
  }
  if (finishDigest(hash, algorithm) === digest) arrival.complete(size)
  else await removeFile(whole)
}
