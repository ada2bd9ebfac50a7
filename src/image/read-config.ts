import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Descriptor } from '../oci/descriptor.ts'
import { readBlob } from '../registry/read-blob.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobStore } from '../store/blob-store.ts'

export interface ReadConfigOptions {
  /** Keeps what later pulls may ask for again. */
  readonly cache: BlobStore | undefined
  readonly signal: AbortSignal
}

/** In bytes; real ones have a few thousand. */
const limit = 8 * 1024 * 1024

/** The config of an image, verified; from the cache if it is there, otherwise into it. Throws as {@link readBlob} does, and FILE. */
export async function readConfig(
  repository: Repository,
  descriptor: Descriptor,
  { cache, signal }: ReadConfigOptions,
): Promise<Uint8Array> {
  if (cache && descriptor.size <= limit && (await cache.has(descriptor, signal))) {
    return buffer(cache.follow(descriptor.digest, signal))
  }
  const bytes = await readBlob(repository, descriptor, { limit, signal })
  await cache?.write(descriptor, async (from) => Readable.from([bytes.subarray(from)]), { signal })
  return bytes
}
