import { setMaxListeners } from 'node:events'
import { isDrayError } from '../errors.ts'
import type { OnEvent } from '../events.ts'
import type { Digest } from '../oci/digest.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobSource, BlobWriteOptions, BlobWriter } from '../store/blob-store.ts'
import { type BlobEnd, createBlobEnds } from './blob-ends.ts'
import { createIdleSlots } from './idle-slots.ts'
import type { Image } from './image.ts'
import { type RemoteBlob, splitBlob } from './split-blob.ts'

export interface FetchBlobsOptions {
  /** How many blobs may be in flight at once. */
  readonly jobs: number
  /** Whether it is of use to know the ends of large blobs before the rest. */
  readonly wantsEnds?: boolean | undefined
  readonly signal: AbortSignal
  readonly onEvent: OnEvent
}

/** An image together with the repository that its blobs come from. */
export interface Source {
  readonly image: Image
  readonly repository: Repository
}

/**
 * Brings every layer of every image into the store, `jobs` at a time, each blob once, in the order in which the archive
 * will want them. Throws what the store and the network throw; the first failure ends it. Once it has settled, nothing is
 * written any more.
 */
export async function fetchBlobs(
  sources: readonly Source[],
  store: BlobWriter,
  { jobs, wantsEnds = false, signal: outer, onEvent }: FetchBlobsOptions,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([outer, failed.signal])
  setMaxListeners(0, signal)
  const blobs = distinctBlobs(sources)
  const queue = blobs.entries()
  const splitting = { jobs, slots: createIdleSlots(), unfit: new Set<Repository>() }
  const ends = createBlobEnds()
  const worker = async () => {
    for (const [index, blob] of queue) {
      // Where the content of this one goes in an archive depends on how much that of the one before takes.
      const before = blobs[index - 1]
      if (wantsEnds && before) await ends.ask(before, signal)
      const end = ends.of(blob)
      await fetchBlob(blob, end).finally(end.over)
    }
    splitting.slots.give()
  }
  const fetchBlob = async (blob: RemoteBlob, end: BlobEnd) => {
    const { descriptor } = blob
    const { digest, size } = descriptor
    if (await store.has(descriptor, signal)) {
      onEvent({ type: 'blob-done', digest, size, cached: true })
      return
    }
    let type: 'blob-start' | 'blob-progress' = 'blob-start'
    const onProgress = (received: number) => {
      end.received(received)
      onEvent({ type, digest, size, received })
      type = 'blob-progress'
    }
    const open = splitBlob(blob, splitting)
    const source: BlobSource = (...request) => {
      const body = open(...request)
      end.requested()
      return body
    }
    await writeTrusted(blob, source, store, { signal, end: end.bytes, onProgress })
    onEvent({ type: 'blob-done', digest, size, cached: false })
  }
  await Promise.all(Array.from({ length: jobs }, () => worker().catch((error) => failed.abort(error))))
  failed.signal.throwIfAborted()
}

/** Writes a blob into the store. Where its bytes prove wrong, they are fetched from elsewhere, as long as there is such a place. */
async function writeTrusted(
  { descriptor, repository }: RemoteBlob,
  fetchBlob: BlobSource,
  store: BlobWriter,
  options: BlobWriteOptions,
): Promise<void> {
  for (;;) {
    try {
      return await store.write(descriptor, distrusting(fetchBlob, { descriptor, repository }), options)
    } catch (error) {
      if (!isDrayError(error, 'INTEGRITY') || !repository.distrust(descriptor)) throw error
    }
  }
}

/** Asked once more from the start when the bytes were wrong; it was not an old beginning that spoilt them if it gave them all. */
function distrusting(fetchBlob: BlobSource, { descriptor, repository }: RemoteBlob): BlobSource {
  let gaveAll = false
  return (from, signal) => {
    if (gaveAll) repository.distrust(descriptor)
    gaveAll = from === 0
    return fetchBlob(from, signal)
  }
}

/** Each blob once, from the first repository that lists it. */
function distinctBlobs(sources: readonly Source[]): readonly RemoteBlob[] {
  const blobs = new Map<Digest, RemoteBlob>()
  for (const { image, repository } of sources) {
    for (const { descriptor } of image.layers) {
      if (!blobs.has(descriptor.digest)) blobs.set(descriptor.digest, { descriptor, repository })
    }
  }
  return [...blobs.values()]
}
