import { setMaxListeners } from 'node:events'
import type { Writable } from 'node:stream'
import { archivedName, archiveFileName } from './archive/archive-name.ts'
import { refuseChecksumOf, writeChecksumFile } from './archive/checksum-file.ts'
import { type Destination, type DestinationOptions, openDestination } from './archive/destination.ts'
import { watchChecksum } from './archive/stale-checksum.ts'
import type { CredentialSource } from './auth/credential.ts'
import { DrayError, isDrayError } from './errors.ts'
import type { OnEvent } from './events.ts'
import { fetchBlobs, type Source } from './image/fetch-blobs.ts'
import type { Image } from './image/image.ts'
import { resolveImage } from './image/resolve-image.ts'
import { tellWhatIsKept } from './image/tell-what-is-kept.ts'
import { type Network, type NetworkOptions, openNetwork } from './network.ts'
import type { Digest } from './oci/digest.ts'
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from './oci/platform.ts'
import { formatReference, parseReference, type Reference } from './oci/reference.ts'
import { createRegistryClient } from './registry/registry-client.ts'
import type { BlobStore } from './store/blob-store.ts'

export interface PullOptions extends Omit<NetworkOptions, 'connections' | 'onWarning' | 'onNote'> {
  /** A file, a directory, or `-` for `stdout`; default: a file in the working directory named after the image. */
  readonly output?: string | undefined
  /** Where output `-` goes. */
  readonly stdout?: Writable | undefined
  /** `os/architecture[/variant]`; default: linux on this machine's architecture. */
  readonly platform?: string | undefined
  /** `docker` (default): what `docker save` writes. `oci`: an OCI image layout with a manifest.json, blobs as served. */
  readonly format?: 'docker' | 'oci' | undefined
  /** The name and tag stored in the archive, for a single image. */
  readonly name?: string | undefined
  /** Write FILE.sha256 beside the archive, in the form that `sha256sum -c` reads; not for a stream. */
  readonly checksum?: boolean | undefined
  /** Blobs in flight at once; default 4. */
  readonly jobs?: number | undefined
  /** A directory that keeps blobs for later pulls; default: none. */
  readonly cache?: string | undefined
  /** Who to be; default: anonymous. */
  readonly credentials?: CredentialSource | undefined
  /** Tries without progress before giving up; default 6. */
  readonly retries?: number | undefined
  /** Ends the pull: rejects with ABORTED, or with the signal's reason when that is a DrayError. */
  readonly signal?: AbortSignal | undefined
  /** Told what happens, while it happens. */
  readonly onEvent?: OnEvent | undefined
}

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

interface Plan {
  readonly wanted: readonly Wanted[]
  readonly platform: Platform
  readonly format: 'docker' | 'oci'
  readonly jobs: number
  readonly destination: DestinationOptions
  readonly options: PullOptions
  readonly onEvent: OnEvent
}

interface Wanted {
  /** As the user typed it. */
  readonly text: string
  readonly reference: Reference
  /** To be stored in the archive. */
  readonly name: string | undefined
}

/** All names and options first: a typo costs no network. */
function planPull(texts: readonly string[], options: PullOptions): Plan {
  if (texts.length === 0) throw new DrayError('USAGE', 'no image was named')
  if (options.name !== undefined && texts.length > 1) {
    throw new DrayError('USAGE', 'a name can be given to a single image only')
  }
  const wanted = texts.map((text) => {
    const reference = parseReference(text)
    return { text, reference, name: archivedName(reference, options.name) }
  })
  const { format = 'docker', onEvent = () => {} } = options
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  const unusual = formatPlatform(platform) !== formatPlatform(hostPlatform()) ? platform : undefined
  return {
    wanted,
    platform,
    format,
    jobs: options.jobs ?? 4,
    destination: {
      path: options.output ?? '.',
      format,
      defaultName: archiveFileName(
        wanted.map(({ reference }) => reference),
        unusual,
      ),
      stdout: options.stdout,
      cache: options.cache,
      onWarning: spokesmen(onEvent).onWarning,
    },
    options,
    onEvent,
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
    connections: jobs + 1,
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

/** How the rooms below tell what is neither result nor error. */
function spokesmen(onEvent: OnEvent) {
  return {
    onWarning: (message: string) => onEvent({ type: 'warning', message }),
    onNote: (message: string) => onEvent({ type: 'note', message }),
  }
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
