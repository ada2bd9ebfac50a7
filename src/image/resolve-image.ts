import { DrayError, isDrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortDigest } from '../oci/digest.ts'
import { checkIsImage, decodeImageConfig, decodeManifest, type ImageManifest } from '../oci/manifest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import { platformMatches, selectPlatform } from '../oci/select-platform.ts'
import type { Content, Repository } from '../registry/repository.ts'
import type { BlobStore } from '../store/blob-store.ts'
import type { Image } from './image.ts'
import { readConfig } from './read-config.ts'

export interface ResolveOptions {
  readonly platform: Platform
  /** The user named the platform: an image for another one is an error then, otherwise a warning. */
  readonly platformIsWish?: boolean
  /** `registry/repository:tag` to store in the archive. */
  readonly name?: string | undefined
  /** Keeps configs for later pulls. */
  readonly cache?: BlobStore | undefined
  readonly signal: AbortSignal
  readonly onWarning?: (message: string) => void
}

/** An index in an index in an index is as deep as published images go; a deeper one is a trap. */
const maxIndexDepth = 3

/**
 * Finds out what a reference stands for on one platform: index, manifest, config. A tag is resolved once; everything
 * after it is asked for by digest, so a tag that moves meanwhile cannot mix two images.
 * Throws NOT_FOUND, NO_MATCHING_PLATFORM, UNSUPPORTED, INTEGRITY and what the network throws.
 */
export async function resolveImage(
  repository: Repository,
  reference: Reference,
  options: ResolveOptions,
): Promise<Image> {
  const content = await repository.fetchManifest(
    reference.digest ?? reference.tag ?? 'latest',
    options.signal,
  )
  return resolveContent(content, { repository, reference, ...options })
}

export interface Search extends ResolveOptions {
  readonly repository: Repository
  readonly reference: Reference
}

/** A document, with the entry of the index that led to it. */
interface Found extends Content {
  readonly entry?: Descriptor
}

/** The same from the document on that the reference stands for. */
export async function resolveContent(content: Found, search: Search, depth = 0): Promise<Image> {
  const { reference, platform } = search
  const document = about(reference, () => decodeManifest(content.bytes, content.mediaType))
  if (document.kind === 'manifest') return resolveManifest(content, document, search)
  if (depth === maxIndexDepth) {
    throw new DrayError('UNSUPPORTED', `${formatReference(reference)}: indexes are nested too deeply`)
  }
  const candidates = about(reference, () => selectPlatform(document.manifests, platform))
  return firstThatMatches(candidates, async (candidate) =>
    resolveContent(await fetchCandidate(candidate, search), search, depth + 1),
  )
}

/** Says which image it is that cannot be read: there may be several. */
export function about<T>(reference: Reference, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isDrayError(error)) throw error
    const { code, message, hint, cause } = error
    throw new DrayError(code, `${formatReference(reference)}: ${message}`, { hint, cause })
  }
}

/** An entry that does not say its platform may turn out to hold another one; then the next best entry gets its turn. */
async function firstThatMatches<T>(
  candidates: readonly Descriptor[],
  attempt: (candidate: Descriptor) => Promise<T>,
): Promise<T> {
  let mismatch: unknown
  for (const candidate of candidates) {
    try {
      return await attempt(candidate)
    } catch (error) {
      if (!isDrayError(error, 'NO_MATCHING_PLATFORM')) throw error
      mismatch ??= error
    }
  }
  throw mismatch
}

async function fetchCandidate(candidate: Descriptor, { repository, signal }: Search): Promise<Found> {
  const content = await repository.fetchManifest(candidate.digest, signal)
  if (content.bytes.length !== candidate.size) {
    throw new DrayError(
      'INTEGRITY',
      `manifest ${shortDigest(candidate.digest)} has ${content.bytes.length} bytes; its index promises ${candidate.size}`,
    )
  }
  return { ...content, mediaType: candidate.mediaType, entry: candidate }
}

async function resolveManifest(
  { entry, ...content }: Found,
  manifest: ImageManifest,
  search: Search,
): Promise<Image> {
  const { repository, reference, cache, signal } = search
  about(reference, () => checkIsImage(manifest))
  const configBytes = await readConfig(repository, manifest.config, { cache, signal })
  const configJson = about(reference, () => decodeImageConfig(configBytes))
  if (!entry?.platform) checkPlatform(configJson.platform, search, entry !== undefined)
  return {
    reference,
    ...(search.name !== undefined && { name: search.name }),
    platform: entry?.platform ?? configJson.platform,
    manifest: { mediaType: manifest.mediaType, digest: content.digest, size: content.bytes.length },
    manifestBytes: content.bytes,
    config: manifest.config,
    configBytes,
    configJson,
    layers: pairLayers(manifest, configJson.diffIds),
  }
}

/** docker takes an image whose config names another platform; only who asked for a platform wants to hear no. */
function checkPlatform(actual: Platform, search: Search, fromIndex: boolean): void {
  if (platformMatches(search.platform, actual)) return
  const message = `${formatReference(search.reference)} is for ${formatPlatform(actual)}, not ${formatPlatform(search.platform)}`
  if (search.platformIsWish || fromIndex) {
    throw new DrayError('NO_MATCHING_PLATFORM', message, { hint: `use --platform ${formatPlatform(actual)}` })
  }
  search.onWarning?.(message)
}

function pairLayers(manifest: ImageManifest, diffIds: Image['configJson']['diffIds']): Image['layers'] {
  if (manifest.layers.length !== diffIds.length) {
    throw new DrayError(
      'INTEGRITY',
      `the manifest lists ${manifest.layers.length} layers, its config ${diffIds.length} diffIDs`,
    )
  }
  return manifest.layers.flatMap((descriptor, i) => {
    const diffId = diffIds[i]
    return diffId ? [{ descriptor, diffId }] : []
  })
}
