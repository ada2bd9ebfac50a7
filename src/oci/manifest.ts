import { DrayError, quote } from '../errors.ts'
import { type Descriptor, decodeDescriptor } from './descriptor.ts'
import { type Digest, parseDigest } from './digest.ts'
import {
  decodeText,
  expectArray,
  expectObject,
  isAbsent,
  type JsonObject,
  optionalString,
  parseJsonObject,
  refuseDoubtfulKeys,
} from './json.ts'
import {
  bareMediaType,
  isConfigType,
  isEncryptedType,
  isIndexType,
  isLayerType,
  isManifestType,
  isSchema1Type,
  mediaTypes,
} from './media-types.ts'
import { decodePlatform, type Platform } from './platform.ts'

/** One image for several platforms: OCI image-spec image-index.md, Docker's manifest list. */
export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  /** Only those that dray can follow: image manifests and further indexes. */
  readonly manifests: readonly Descriptor[]
}

/** One image for one platform: OCI image-spec manifest.md, Docker's schema 2. */
export interface ImageManifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  /** Base first. */
  readonly layers: readonly Descriptor[]
}

const mostManifests = 1000
const mostLayers = 500

/**
 * Reads an index or image manifest. `mediaType` is the Content-Type it came with, or what the index above calls it; the
 * document must agree with it, and where it says nothing, the document decides. Nothing passes that could be
 * read as one thing here and as another elsewhere (CVE-2021-41190).
 * Throws INTEGRITY, UNSUPPORTED for what is no current image, and NETWORK for a web page.
 */
export function decodeManifest(bytes: Uint8Array, mediaType: string | undefined): ImageIndex | ImageManifest {
  const text = decodeText(bytes)
  const contentType = bareMediaType(mediaType ?? '')
  refuseWebPage(text, contentType)
  const document = parseJsonObject(text, 'the manifest')
  refuseDoubtfulKeys(text, knownKeys, 'the manifest')
  refuseSchema1(document, contentType)
  const type = agreedType(document, contentType)
  if (document.schemaVersion !== 2) throw new DrayError('INTEGRITY', 'the manifest must have schemaVersion 2')
  if (isIndexType(type)) return decodeIndex(document, type)
  if (isManifestType(type)) return decodeImageManifest(document, type)
  throw new DrayError('UNSUPPORTED', `this is no container image but ${quote(type)}`)
}

const knownKeys = ['schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'fsLayers', 'history']

function refuseWebPage(text: string, contentType: string): void {
  if (contentType !== 'text/html' && !text.trimStart().startsWith('<')) return
  const title = /<title[^>]*>([^<]+)</i.exec(text.slice(0, 4096))?.[1]?.trim()
  const titled = title ? ` titled ${quote(title)}` : ''
  throw new DrayError('NETWORK', `a web page${titled} came instead of registry data`, {
    hint: 'check the host name, and whether a proxy or hotspot wants you to log in first',
  })
}

function refuseSchema1(document: JsonObject, contentType: string): void {
  if (!isSchema1Type(contentType) && document.schemaVersion !== 1 && isAbsent(document.fsLayers)) return
  throw new DrayError(
    'UNSUPPORTED',
    'the image has the format of before 2016, schema 1, which dray does not read',
    {
      hint: 'push the image again with a current docker, or ask its owner to',
    },
  )
}

/** What servers say that do not know, or were not told, what they hold. */
const meaninglessTypes = new Set(['', 'application/json', 'application/octet-stream', 'text/plain'])

function agreedType(document: JsonObject, contentType: string): string {
  const own = optionalString(document, 'mediaType', 'the manifest')
  if (meaninglessTypes.has(contentType)) return own ?? typeByContent(document)
  if (own === undefined || own === contentType) return contentType
  const names = `${quote(contentType)} but calls itself ${quote(own)}`
  throw new DrayError('INTEGRITY', `the manifest was announced as ${names}`)
}

function typeByContent(document: JsonObject): string {
  if (!isAbsent(document.manifests)) return mediaTypes.ociIndex
  if (!isAbsent(document.config) || !isAbsent(document.layers)) return mediaTypes.ociManifest
  throw new DrayError('INTEGRITY', 'the document is neither an image manifest nor an index')
}

function decodeIndex(document: JsonObject, mediaType: string): ImageIndex {
  refuseKeys(document, ['config', 'layers', 'history'], 'index')
  const entries = expectList(document.manifests, mostManifests, 'manifests of the index').filter(isKnownEntry)
  return { kind: 'index', mediaType, manifests: entries.map((entry) => decodeDescriptor(entry, indexEntry)) }
}

const indexEntry = 'an entry of the index'

/** Entries of other types are for other readers, as image-index.md has it; what is in them is theirs. */
function isKnownEntry(entry: unknown): boolean {
  const type = optionalString(expectObject(entry, indexEntry), 'mediaType', indexEntry) ?? ''
  return isManifestType(type) || isIndexType(type)
}

function decodeImageManifest(document: JsonObject, mediaType: string): ImageManifest {
  refuseKeys(document, ['manifests', 'history'], 'image manifest')
  const config = decodeDescriptor(document.config, 'the config in the manifest')
  const layers = expectList(document.layers, mostLayers, 'layers of the manifest')
  return {
    kind: 'manifest',
    mediaType,
    config,
    layers: layers.map((layer, i) => decodeDescriptor(layer, `layer ${i + 1}`)),
  }
}

function refuseKeys(document: JsonObject, keys: readonly string[], kind: string): void {
  const found = keys.find((key) => !isAbsent(document[key]))
  if (found) throw new DrayError('INTEGRITY', `the document is ambiguous: an ${kind} has no ${quote(found)}`)
}

function expectList(value: unknown, most: number, what: string): readonly unknown[] {
  const list = expectArray(value, what)
  if (list.length <= most) return list
  throw new DrayError('UNSUPPORTED', `the ${what} are ${list.length}; dray takes at most ${most}`)
}

/** Throws UNSUPPORTED, saying what the manifest is, when no container can be run from it. */
export function checkIsImage({ config, layers }: ImageManifest): void {
  if (config.mediaType === mediaTypes.dockerPlugin) throw notAnImage('it is a docker plugin')
  if (!isConfigType(config.mediaType)) throw notAnImage(`its config is of type ${quote(config.mediaType)}`)
  if (layers.length === 0) throw notAnImage('it has no layers')
  const encrypted = layers.some(({ mediaType }) => isEncryptedType(mediaType))
  if (encrypted) throw new DrayError('UNSUPPORTED', 'the layers are encrypted, and dray has no keys')
  const stranger = layers.find(({ mediaType }) => !isLayerType(mediaType))
  if (stranger) throw notAnImage(`a layer is of type ${quote(stranger.mediaType)}`)
}

function notAnImage(reason: string): DrayError {
  return new DrayError('UNSUPPORTED', `this is not a container image: ${reason}`)
}

/** What an image is made for and of: OCI image-spec config.md. */
export interface ImageConfig {
  readonly platform: Platform
  readonly created?: string
  /** Digests of the uncompressed layers, base first. */
  readonly diffIds: readonly Digest[]
  /** The whole document. */
  readonly raw: JsonObject
}

/** Reads the config of an image; whether its diffIDs are as many as the layers is for the caller to see. Throws INTEGRITY. */
export function decodeImageConfig(bytes: Uint8Array): ImageConfig {
  const what = 'the image config'
  const raw = parseJsonObject(decodeText(bytes), what)
  const created = optionalString(raw, 'created', what)
  return {
    platform: decodePlatform(raw, what) ?? { os: 'unknown', architecture: 'unknown' },
    ...(created !== undefined && { created }),
    diffIds: decodeDiffIds(raw),
    raw,
  }
}

function decodeDiffIds(config: JsonObject): readonly Digest[] {
  const { type, diff_ids } = expectObject(config.rootfs, 'rootfs of the image config')
  if (type !== 'layers') throw new DrayError('INTEGRITY', 'the image config must have rootfs.type "layers"')
  return expectArray(diff_ids, 'rootfs.diff_ids of the image config').map(parseDigest)
}
