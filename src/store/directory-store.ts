import { join } from 'node:path'
import { type Digest, shortDigest } from '../oci/digest.ts'
import { createArrival } from './arrival.ts'
import { blobFiles } from './blob-files.ts'
import type { BlobStore, OpenBlob } from './blob-store.ts'
import { checkBlob } from './check-blob.ts'
import { followBlob, openArriving } from './follow-blob.ts'
import { prepareDirectory } from './prepare-directory.ts'
import { writeBlob } from './write-blob.ts'

/**
 * Keeps blobs in a directory, as `blobs/<algorithm>/<hex>`, like an OCI image layout, and what has arrived of others as
 * `<hex>.partial`. Several processes may share it: each writes to files of its own, and what one has brought in place
 * the others hash before they use it. Throws FILE when the directory cannot be made or written to.
 */
export async function openDirectoryStore(directory: string): Promise<BlobStore> {
  await prepareDirectory(directory, { mayBeLink: true })
  await prepareDirectory(join(directory, 'blobs'))
  const arrivals = memoize((_digest: Digest) => createArrival())
  const checks = new Map<Digest, Promise<void>>()
  const ends = new Map<Digest, OpenBlob['end']>()
  const takeTurn = createTurns()

  /** Finds out whether the blob is at rest; those who ask at the same time share the answer. */
  const check = async (digest: Digest, signal?: AbortSignal): Promise<void> => {
    const arrival = arrivals(digest)
    if (arrival.isWhole) return
    const look = async () => {
      const { turn, end } = takeTurn()
      const size = await checkBlob(blobFiles(directory, digest).whole, digest, { signal, turn }).finally(end)
      if (size !== undefined) arrival.complete(size)
    }
    const running = checks.get(digest) ?? look()
    checks.set(digest, running)
    await running.finally(() => checks.delete(digest))
  }

  return {
    async has({ digest, size }, signal) {
      await check(digest, signal)
      const arrival = arrivals(digest)
      return arrival.isWhole && arrival.available === size
    },
    async write(descriptor, source, { signal, end, onProgress }) {
      const arrival = arrivals(descriptor.digest)
      const files = blobFiles(directory, descriptor.digest)
      // Readers stay with a blob that another process has brought in place meanwhile.
      const onInterrupt = () => {
        if (!arrival.isWhole) arrival.interrupt()
      }
      const onAvailable = (size: number) => {
        if (!arrival.isWhole) arrival.advance(size)
        onProgress?.(size)
      }
      if (end) ends.set(descriptor.digest, end)
      try {
        await prepareDirectory(files.directory)
        await writeBlob({
          descriptor,
          files,
          source,
          signal,
          onOpen: arrival.begin,
          onAvailable,
          onDiscard: onInterrupt,
        })
        arrival.complete(descriptor.size)
      } catch (error) {
        onInterrupt()
        throw error
      } finally {
        ends.delete(descriptor.digest)
      }
    },
    follow(digest, signal) {
      const { whole } = blobFiles(directory, digest)
      const stream = followBlob(arrivals(digest), { whole, what: `blob ${shortDigest(digest)}`, signal })
      check(digest, signal).catch((error) => stream.destroy(error))
      return stream
    },
    async open(digest, signal) {
      await check(digest, signal)
      const arrival = arrivals(digest)
      const file = await openArriving(arrival, blobFiles(directory, digest).whole, signal)
      return { arrival, file, end: ends.get(digest) }
    },
    async settled(digest, signal) {
      await check(digest, signal)
      const arrival = arrivals(digest)
      while (!arrival.isWhole) await arrival.change(signal)
    },
  }
}

/** One after another: whoever waits for the first need not wait for all. */
function createTurns() {
  let last = Promise.resolve()
  return () => {
    const turn = last
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    last = turn.then(() => ended)
    return { turn, end }
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
