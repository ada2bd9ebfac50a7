import { pipeline } from 'node:stream'
import type { Image, Layer } from '../image/image.ts'
import { type Digest, digestHex, digestOf, shortDigest } from '../oci/digest.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { decompress } from '../streams/decompress.ts'
import { verifyContent } from '../streams/verify.ts'
import type { ArchiveEntry, ArchiveFormat, FileEntry } from './archive-format.ts'
import { type ArchivedImage, byConfig, manifestJson } from './archived-image.ts'
import { bytesEntry } from './bytes-entry.ts'
import { createdSeconds } from './created.ts'
import { goJson } from './go-json.ts'
import { type LegacyLayer, legacyLayers } from './layer-id.ts'

/**
 * What `docker save` writes (docker up to 24; docker image spec v1.2), with full names, in an order that can be read
 * as a stream and with fixed times: configs, `manifest.json`, `repositories`, then the layers, uncompressed, base first.
 */
export const dockerArchive: ArchiveFormat = {
  name: 'docker',
  *entries(images, store) {
    const plans = planImages(images)
    for (const { configPath, image, mtime } of plans) yield bytesEntry(configPath, image.configBytes, mtime)
    yield bytesEntry('manifest.json', manifestJson(plans))
    if (plans.some(({ names }) => names.length > 0)) yield bytesEntry('repositories', repositoriesJson(plans))
    yield* layerEntries(plans, store)
  },
}

interface ImagePlan extends ArchivedImage {
  readonly configPath: string
  readonly layers: readonly LayerPlan[]
  readonly layerPaths: readonly string[]
  readonly mtime: number
}

interface LayerPlan extends Layer, LegacyLayer {
  readonly home: LayerHome
}

/** The layer, and its image, that has the content as a file; wherever else it occurs there is a link. */
interface LayerHome {
  readonly id: string
  readonly image: Image
}

function planImages(images: readonly Image[]): readonly ImagePlan[] {
  const homes = new Map<Digest, LayerHome>()
  return byConfig(images).map(({ image, names }) => {
    const legacy = legacyLayers(image.configJson)
    const layers = image.layers.flatMap((layer, i) => {
      const { id, json } = legacy[i] ?? {}
      if (id === undefined || json === undefined) return []
      const home = homes.get(layer.diffId) ?? { id, image }
      homes.set(layer.diffId, home)
      return [{ ...layer, id, json, home }]
    })
    return {
      image,
      names,
      configPath: `${digestHex(digestOf(image.configBytes))}.json`,
      layers,
      layerPaths: layers.map((layer) => layerPath(layer, image)),
      mtime: createdSeconds(image.configJson.created),
    }
  })
}

/** As docker lists it, but for a link to another image: podman and skopeo take that for a layer of no bytes. */
function layerPath({ id, home }: LayerPlan, image: Image): string {
  return `${home.image === image ? id : home.id}/layer.tar`
}

/** Name → tag → id of the topmost layer, for docker before 1.10. */
function repositoriesJson(plans: readonly ImagePlan[]): string {
  const repositories = new Map<string, Map<string, string>>()
  for (const { names, layers } of plans) {
    for (const name of names) {
      const reference = parseReference(name)
      const familiar = familiarName(reference)
      const tags = repositories.get(familiar) ?? new Map<string, string>()
      repositories.set(familiar, tags.set(reference.tag ?? 'latest', layers.at(-1)?.id ?? ''))
    }
  }
  return `${goJson(repositories)}\n`
}

/** A layer that several images share has one directory. */
function* layerEntries(plans: readonly ImagePlan[], store: BlobStore): Generator<ArchiveEntry> {
  const written = new Set<string>()
  for (const { layers, mtime } of plans) {
    for (const layer of layers) {
      const { id, json, home } = layer
      if (written.has(id)) continue
      written.add(id)
      yield { type: 'directory', path: `${id}/`, mtime }
      yield bytesEntry(`${id}/VERSION`, '1.0', mtime)
      yield bytesEntry(`${id}/json`, json, mtime)
      const path = `${id}/layer.tar`
      if (home.id === id) yield layerEntry(path, layer, { mtime, store })
      else yield { type: 'symlink', path, target: `../${home.id}/layer.tar`, mtime }
    }
  }
}

/** Its size is not known before it has been read. */
function layerEntry(
  path: string,
  { descriptor, diffId }: Layer,
  { mtime, store }: { readonly mtime: number; readonly store: BlobStore },
): FileEntry {
  const what = `layer ${shortDigest(descriptor.digest)}`
  if (descriptor.size === 0 && diffId === digestOf(emptyTar)) return bytesEntry(path, emptyTar, mtime)
  return {
    type: 'file',
    path,
    mtime,
    open(signal) {
      const content = decompress(store.follow(descriptor.digest, signal), what)
      return pipeline(content, verifyContent({ digest: diffId }, what), () => {})
    },
    settled: (signal) => store.settled(descriptor.digest, signal),
    layer: {
      what,
      blobSize: descriptor.size,
      isInflated: true,
      digest: diffId,
      openBlob: (signal) => store.open(descriptor.digest, signal),
    },
  }
}

/** Some builders push no bytes at all for a layer without files, yet name the tar that it stands for. */
const emptyTar = Buffer.alloc(1024)
