import { quote } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import { decodeText, parseJsonObject } from '../oci/json.ts'
import { decodeManifest, type ImageManifest } from '../oci/manifest.ts'
import { isConfigType, isEncryptedType, isIndexType, isLayerType } from '../oci/media-types.ts'
import {
  type CheckContext,
  type CheckedImage,
  checkDigest,
  checkImage,
  decodeOr,
  documentBytes,
  findFile,
} from './check-image.ts'
import { digestInName } from './check-manifest-json.ts'

/** What index.json leads to (OCI image-spec image-layout.md). */
export interface CheckedLayout {
  readonly images: readonly CheckedImage[]
  /** How many manifests of nested indexes are not there: those of other platforms. */
  readonly absent: number
}

interface Walk extends CheckContext {
  readonly images: CheckedImage[]
  /** Manifests that have been looked at, by digest and name. */
  readonly seen: Set<string>
  absent: number
}

/** More than any archive has; a layout that leads to more is a trap. */
const mostManifests = 2000
const deepest = 4

/** Follows index.json to every manifest, config and layer, and checks all of them. */
export function checkLayout(context: CheckContext): CheckedLayout {
  const walk: Walk = { ...context, images: [], seen: new Set(), absent: 0 }
  checkLayoutFile(walk)
  const place = 'index.json'
  const file = findFile(place, place, walk)
  const bytes = file && documentBytes(file, place, walk)
  const { problems } = walk
  const index = bytes && decodeOr(() => decodeManifest(bytes, undefined), { place, about: place, problems })
  if (index && index.kind !== 'index') problems.broken(place, 'is an image manifest, not an index', place)
  else if (index?.manifests.length === 0) problems.broken(place, 'lists no image', place)
  else
    for (const descriptor of index?.manifests ?? [])
      visit(descriptor, { by: place, depth: 0, names: namesOf(descriptor) }, walk)
  return walk
}

function checkLayoutFile(context: CheckContext): void {
  const file = context.table.find('oci-layout')
  if (typeof file === 'string') return
  const { problems } = context
  const place = 'oci-layout'
  const bytes = documentBytes(file, place, context)
  const layout =
    bytes && decodeOr(() => parseJsonObject(decodeText(bytes), 'it'), { place, about: place, problems })
  if (!layout || layout.imageLayoutVersion === '1.0.0') return
  problems.broken(place, `says version ${quote(String(layout.imageLayoutVersion))}, not "1.0.0"`, place)
}

interface Origin {
  /** The document that points there. */
  readonly by: string
  readonly depth: number
  readonly names: readonly string[]
}

/** containerd takes the first; podman and skopeo the second, which may be a tag only. */
function namesOf({ annotations = {} }: Descriptor): readonly string[] {
  const name = annotations['io.containerd.image.name'] || annotations['org.opencontainers.image.ref.name']
  return name ? [name] : []
}

function visit(descriptor: Descriptor, origin: Origin, walk: Walk): void {
  const { by, depth, names } = origin
  const key = `${descriptor.digest} ${names.join()}`
  if (walk.seen.has(key)) return
  if (walk.seen.size === mostManifests || depth === deepest) {
    walk.problems.unreadable(by, 'leads to more manifests than dray follows', 'too many')
    return
  }
  walk.seen.add(key)
  const path = blobPath(descriptor.digest)
  if (depth > 0 && walk.complete && typeof walk.table.find(path) === 'string') {
    walk.absent++
    return
  }
  const place = `${isIndexType(descriptor.mediaType) ? 'index' : 'manifest'}, ${path}`
  const file = findFile(path, place, walk)
  if (!file) return
  checkDigest(file, place, { ...descriptor, by: `as ${by} says` }, walk)
  if (walk.problems.has(file.path)) return
  const bytes = documentBytes(file, place, walk)
  const { problems } = walk
  const manifest =
    bytes && decodeOr(() => decodeManifest(bytes, descriptor.mediaType), { place, about: path, problems })
  if (manifest?.kind === 'manifest')
    checkManifest(manifest, { by: path, names, digest: descriptor.digest, depth }, walk)
  for (const child of manifest?.kind === 'index' ? manifest.manifests : []) {
    visit(child, { by: path, depth: depth + 1, names }, walk)
  }
}

function checkManifest(
  { config, layers, ...manifest }: ImageManifest,
  { by, names, digest, depth }: Origin & { readonly digest: Digest },
  walk: Walk,
): void {
  const blobs = [config, ...layers].map((blob) => blobPath(blob.digest))
  if (depth > 0 && walk.complete && blobs.every((path) => typeof walk.table.find(path) === 'string')) {
    walk.absent++
    return
  }
  checkBlob(config, `config, ${blobPath(config.digest)}`, by, walk)
  for (const [i, layer] of layers.entries()) {
    checkBlob(layer, `layer ${i + 1} of ${layers.length}, ${blobPath(layer.digest)}`, by, walk)
  }
  if (!isImage({ config, layers, ...manifest })) return
  if (layers.some(({ mediaType }) => isEncryptedType(mediaType))) {
    walk.problems.unreadable(`manifest, ${by}`, 'its layers are encrypted, and dray has no keys', by)
    return
  }
  const parts = { prefix: '', names, digest, configPath: blobPath(config.digest), layerPaths: blobs.slice(1) }
  const image = checkImage(parts, walk)
  if (image) walk.images.push(image)
}

function checkBlob({ digest, size }: Descriptor, place: string, by: string, context: CheckContext): void {
  const file = findFile(blobPath(digest), place, context)
  if (file) checkDigest(file, place, { digest, size, by: `as ${by} says` }, context)
}

/** Attestations and other artifacts lie beside images; what is in their layers is their own affair. */
function isImage({ config, layers }: ImageManifest): boolean {
  return isConfigType(config.mediaType) && layers.every(({ mediaType }) => isLayerType(mediaType))
}

function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`
}

/** Whatever lies in blobs/ is called by its digest, whether something points to it or not. */
export function checkBlobNames(context: CheckContext): void {
  for (const file of context.table.files()) {
    const digest = file.path.startsWith('blobs/') ? digestInName(file.path) : undefined
    if (digest) checkDigest(file, file.path, { digest, by: 'as its name says' }, context)
  }
}
