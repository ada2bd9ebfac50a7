import { setMaxListeners } from 'node:events'
import { isDrayError } from '../errors.ts'
import type { OnEvent } from '../events.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobSource, BlobWriteOptions, BlobWriter, PieceSource } from '../store/blob-store.ts'
import { createIdleSlots } from './idle-slots.ts'
import type { Image } from './image.ts'
import { type RemoteBlob, splitBlob } from './split-blob.ts'

export interface FetchBlobsOptions {
  /** How many blobs may be in flight at once. */
  readonly jobs: number
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
  { jobs, signal: outer, onEvent }: FetchBlobsOptions,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([outer, failed.signal])
  setMaxListeners(0, signal)
  const queue = distinctBlobs(sources).values()
  const splitting = { jobs, slots: createIdleSlots(), unfit: new Set<Repository>() }
  const worker = async () => {
    for (const { descriptor, repository } of queue) await fetchBlob(descriptor, repository)
    splitting.slots.give()
  }
  const fetchBlob = async (descriptor: Descriptor, repository: Repository) => {
    const { digest, size } = descriptor
    if (await store.has(descriptor, signal)) {
      onEvent({ type: 'blob-done', digest, size, cached: true })
      return
    }
    let type: 'blob-start' | 'blob-progress' = 'blob-start'
    const onProgress = (received: number) => {
      onEvent({ type, digest, size, received })
      type = 'blob-progress'
    }
    const blob = { descriptor, repository }
    const fetchPiece: PieceSource = (...request) => repository.fetchPiece(descriptor, ...request)
    await writeTrusted(blob, splitBlob(blob, splitting), store, { signal, fetchPiece, onProgress })
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
