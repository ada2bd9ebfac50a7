import type { Image } from '../image/image.ts'
import type { Digest } from '../oci/digest.ts'
import { goJson } from './go-json.ts'

/** One image of an archive under all of its names. */
export interface ArchivedImage {
  readonly image: Image
  /** In full, with tag: `docker.io/library/nginx:1`. */
  readonly names: readonly string[]
}

/** Engines know an image by its config: pulls that end at the same one are one image with several names. */
export function byConfig(images: readonly Image[]): readonly ArchivedImage[] {
  return group(images, (image) => image.config.digest)
}

/** The same by manifest, as an image layout lists them. */
export function byManifest(images: readonly Image[]): readonly ArchivedImage[] {
  return group(images, (image) => image.manifest.digest)
}

function group(images: readonly Image[], key: (image: Image) => Digest): readonly ArchivedImage[] {
  const groups = new Map<Digest, { image: Image; names: string[] }>()
  for (const image of images) {
    const found = groups.get(key(image)) ?? { image, names: [] }
    groups.set(key(image), found)
    if (image.name !== undefined && !found.names.includes(image.name)) found.names.push(image.name)
  }
  return [...groups.values()]
}

/** One item of manifest.json: where in the archive the parts of an image are. */
export interface ManifestItem {
  readonly configPath: string
  readonly names: readonly string[]
  /** Base first. */
  readonly layerPaths: readonly string[]
}

/** The text of manifest.json, which `docker load` starts from (docker image spec v1.2). */
export function manifestJson(items: readonly ManifestItem[]): string {
  const list = items.map(({ configPath, names, layerPaths }) => ({
    Config: configPath,
    RepoTags: names.length > 0 ? names : null,
    Layers: layerPaths,
  }))
  return `${goJson(list)}\n`
}
