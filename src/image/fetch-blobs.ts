import type { OnEvent } from '../events.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobStore } from '../store/blob-store.ts'
import type { Image } from './image.ts'

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
 * will want them. Throws what the store and the network throw; the first failure ends it.
 */
export async function fetchBlobs(
  sources: readonly Source[],
  store: BlobStore,
  { jobs, signal, onEvent }: FetchBlobsOptions,
): Promise<void> {
  const queue = distinctBlobs(sources).values()
  const worker = async () => {
    for (const { descriptor, repository } of queue) await fetchBlob(descriptor, repository)
  }
  const fetchBlob = async (descriptor: Descriptor, repository: Repository) => {
    const { digest, size } = descriptor
    if (await store.has(descriptor)) {
      onEvent({ type: 'blob-done', digest, size, cached: true })
      return
    }
    let type: 'blob-start' | 'blob-progress' = 'blob-start'
    await store.write(descriptor, (from, abort) => repository.fetchBlob(descriptor, from, abort), {
      signal,
      onProgress: (received) => {
        onEvent({ type, digest, size, received })
        type = 'blob-progress'
      },
    })
    onEvent({ type: 'blob-done', digest, size, cached: false })
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

/** A blob to fetch, and where from. */
interface WantedBlob {
  readonly descriptor: Descriptor
  readonly repository: Repository
}

/** Each blob once, from the first repository that lists it. */
function distinctBlobs(sources: readonly Source[]): readonly WantedBlob[] {
  const blobs = new Map<Digest, WantedBlob>()
  for (const { image, repository } of sources) {
    for (const { descriptor } of image.layers) {
      if (!blobs.has(descriptor.digest)) blobs.set(descriptor.digest, { descriptor, repository })
    }
  }
  return [...blobs.values()]
}
