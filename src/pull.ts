import { setMaxListeners } from 'node:events'
import { refuseChecksumOf, writeChecksumFile } from './archive/checksum-file.ts'
import { type Destination, openDestination } from './archive/destination.ts'
import { watchChecksum } from './archive/stale-checksum.ts'
import { DrayError, isDrayError } from './errors.ts'
import { fetchBlobs, type Source } from './image/fetch-blobs.ts'
import type { Image } from './image/image.ts'
import { resolveImage } from './image/resolve-image.ts'
import { tellWhatIsKept } from './image/tell-what-is-kept.ts'
import { type Network, openNetwork } from './network.ts'
import type { Digest } from './oci/digest.ts'
import { formatPlatform } from './oci/platform.ts'
import { formatReference } from './oci/reference.ts'
import { type Plan, type PullOptions, planPull, spokesmen, type Wanted } from './plan.ts'
import { createRegistryClient } from './registry/registry-client.ts'
import type { BlobStore } from './store/blob-store.ts'

export type { PullOptions } from './plan.ts'

export interface PullResult {
  /** Of the archive; `-` when it went to `stdout`. */
  readonly path: string
  readonly format: 'docker' | 'oci'
  /** Of the archive, in bytes. */
  readonly size: number
  /** The checksum file, where one was asked for. */
  readonly checksumFile?: string
  readonly images: readonly PulledImage[]
}

export interface PulledImage {
  /** As asked for, in full. */
  readonly reference: string
  /** As stored in the archive; absent for a pull by digest without a name. */
  readonly name?: string
  /** Of the image manifest. */
  readonly digest: Digest
  /** Of the config: what `docker images` calls the image id. */
  readonly imageId: Digest
  readonly platform: string
  readonly layers: number
  /** Of the distinct layers as served, in bytes. */
  readonly size: number
}

/**
 * Pulls images and writes them into one archive that `docker load` takes. The archive appears under its name only when
 * it is whole and every digest, size and diffID has been verified; blobs that arrived before a failure are kept, and
 * the same call goes on from there. Throws a {@link DrayError}.
 */
export async function pull(texts: readonly string[], options: PullOptions = {}): Promise<PullResult> {
  const plan = planPull(texts, options)
  const lanes = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, lanes.signal]) : lanes.signal
  setMaxListeners(0, signal)
  if (signal.aborted) throw abortError(signal)

  const destination = await openDestination(plan.destination)
  const arrivals = tellWhatIsKept(plan.onEvent)
  try {
    const result = await pullInto(destination, { ...plan, onEvent: arrivals.onEvent, lanes, signal })
    await destination.cleanUp('success')
    return result
  } catch (error) {
    lanes.abort(error)
    await destination.output.abort()
    await destination.cleanUp('failure')
    if (options.signal?.aborted) throw abortError(options.signal)
    throw destination.keepsBlobs ? arrivals.explain(error) : error
  }
}

interface RunningPull extends Plan {
  /** Aborted when one lane fails, with its error, so that the other ends too. */
  readonly lanes: AbortController
  readonly signal: AbortSignal
}

async function pullInto(destination: Destination, running: RunningPull): Promise<PullResult> {
  const { wanted, options, jobs, format, lanes, signal, onEvent } = running
  if (options.checksum) await refuseChecksumOf(destination.output.path)
  const network = await openNetwork(wanted, {
    ...definedOnly(options),
    ...spokesmen(onEvent),
    connections: jobs,
    signal,
  })
  try {
    const sources = await resolveAll(network, { ...running, cache: destination.cache })
    const images = sources.map(({ image }) => image)
    const { blobs, wantsEnds, write } = await destination.prepare(images, signal)
    await together(lanes, [fetchBlobs(sources, blobs, { jobs, wantsEnds, signal, onEvent }), write()])
    const { path } = destination.output
    const settleChecksum = options.checksum ? undefined : await watchChecksum(path, signal)
    const { size } = await destination.output.commit(signal)
    onEvent({ type: 'archive-done', path, size })
    const checksumFile = options.checksum ? await writeChecksumFile(path, signal) : undefined
    await settleChecksum?.(spokesmen(onEvent).onWarning)
    return {
      path,
      format,
      size,
      ...(checksumFile !== undefined && { checksumFile }),
      images: images.map(describe),
    }
  } finally {
    await network.close()
  }
}

async function resolveAll(
  { transport, routed }: Network<Wanted>,
  running: RunningPull & { readonly cache: BlobStore | undefined },
): Promise<readonly Source[]> {
  const { platform, options, cache, signal, onEvent } = running
  const openRepository = createRegistryClient({
    ...definedOnly(options),
    ...spokesmen(onEvent),
    transport,
    onRetry: (retry) => onEvent({ type: 'retry', ...retry }),
    onRequest: (request) => onEvent({ type: 'request', ...request }),
  })
  const resolve = async ({ reference, name, route }: (typeof routed)[number]): Promise<Source> => {
    onEvent({ type: 'resolve', reference: formatReference(reference) })
    const repository = openRepository(route)
    const image = await resolveImage(repository, reference, {
      platform,
      platformIsWish: options.platform !== undefined,
      name,
      cache,
      signal,
      onWarning: spokesmen(onEvent).onWarning,
    })
    const { size, platform: found, digest } = describe(image)
    const layers = blobSizes(image).size
    onEvent({
      type: 'resolved',
      reference: formatReference(reference),
      digest,
      platform: found,
      layers,
      size,
    })
    return { image, repository }
  }
  return Promise.all(routed.map(resolve))
}

/** Runs the lanes side by side; the first failure stops the others and is what is thrown. */
async function together(lanes: AbortController, tasks: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(tasks.map((task) => task.catch((error) => lanes.abort(error))))
  lanes.signal.throwIfAborted()
}

function describe(image: Image): PulledImage {
  return {
    reference: formatReference(image.reference),
    ...(image.name !== undefined && { name: image.name }),
    digest: image.manifest.digest,
    imageId: image.config.digest,
    platform: formatPlatform(image.platform),
    layers: image.layers.length,
    size: [...blobSizes(image).values()].reduce((sum, size) => sum + size, 0),
  }
}

/** Of the layers, each blob once. */
function blobSizes(image: Image): ReadonlyMap<Digest, number> {
  return new Map(image.layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]))
}

function abortError(signal: AbortSignal): unknown {
  return isDrayError(signal.reason)
    ? signal.reason
    : new DrayError('ABORTED', 'the pull was cancelled', { cause: signal.reason })
}

/** Leaves out what is undefined, so that the callee's own defaults hold. */
function definedOnly<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
