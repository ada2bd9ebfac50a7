import { isAbsent } from '../oci/json.ts'
import type { ImageConfig } from '../oci/manifest.ts'
import type { Compression } from '../streams/compression.ts'
import type { CheckedImage } from './check-image.ts'
import type { EntryTable, TableTraits } from './entry-table.ts'
import { kindOfName, type NameKind } from './image-names.ts'
import type { ArchiveKind } from './verdict.ts'

/** What decides who loads an archive. */
export interface ArchiveTraits extends TableTraits {
  readonly format: ArchiveKind
  /** The file oci-layout is there. */
  readonly isMarked: boolean
  /** Of the archive as a whole. */
  readonly compression: Compression
  readonly layerCompressions: ReadonlySet<Compression>
  /** Manifests of nested indexes that are not there. */
  readonly absentPlatforms: number
  /** By what manifest.json, and where there is none, index.json calls the images. */
  readonly dockerNames: readonly Name[]
  /** By what index.json, and where there is none, manifest.json calls them. */
  readonly layoutNames: readonly Name[]
  /** How many images have no name there. */
  readonly nameless: { readonly docker: number; readonly layout: number }
  readonly imageCount: number
  /** A path in manifest.json begins with `/`. */
  readonly absolutePaths: boolean
  /** A layer is a link to a file that the same image does not list. */
  readonly unlistedLinks: boolean
  /** An image says neither its system nor its processor. */
  readonly noPlatform: boolean
  readonly windows: boolean
  /** A history has more layers than there are. */
  readonly longHistory: boolean
}

export interface Name {
  readonly name: string
  readonly kind: NameKind | 'tag only'
}

export interface Seen {
  readonly format: ArchiveKind
  readonly compression: Compression
  readonly table: EntryTable
  readonly fromManifest: readonly CheckedImage[]
  readonly fromLayout: readonly CheckedImage[]
  readonly absent: number
}

/** Gathers it. */
export function traitsOf({
  format,
  compression,
  table,
  fromManifest,
  fromLayout,
  absent,
}: Seen): ArchiveTraits {
  const images = [...fromManifest, ...fromLayout]
  const byDocker = fromManifest.length > 0 ? fromManifest : fromLayout
  const byLayout = fromLayout.length > 0 ? fromLayout : fromManifest
  const isNameless = ({ names }: CheckedImage) => names.length === 0
  return {
    ...table.traits,
    format,
    compression,
    isMarked: table.has('oci-layout'),
    layerCompressions: new Set(images.flatMap(({ layers }) => layers.map((layer) => layer.compression))),
    absentPlatforms: absent,
    dockerNames: namesIn(byDocker),
    layoutNames: namesIn(byLayout),
    nameless: { docker: byDocker.filter(isNameless).length, layout: byLayout.filter(isNameless).length },
    imageCount: byDocker.length,
    absolutePaths: fromManifest.some(({ layerPaths }) => layerPaths.some((path) => path.startsWith('/'))),
    unlistedLinks: fromManifest.some((image) => hasUnlistedLink(image, table)),
    noPlatform: images.some(
      ({ config: { platform } }) => platform.os === 'unknown' || platform.architecture === 'unknown',
    ),
    windows: images.some(({ config }) => config.platform.os === 'windows'),
    longHistory: images.some(({ config }) => historyLength(config) > config.diffIds.length),
  }
}

function namesIn(images: readonly CheckedImage[]): readonly Name[] {
  const names = new Set(images.flatMap((image) => image.names))
  return [...names].map((name) => ({
    name,
    kind: /[/:@]/.test(name) ? kindOfName(name) : kindOfBareName(name, images),
  }))
}

/** In an image layout a name without any of `/`, `:` and `@` is a tag. */
function kindOfBareName(name: string, images: readonly CheckedImage[]): Name['kind'] {
  return images.every(({ digest }) => digest !== undefined) ? 'tag only' : kindOfName(name)
}

function hasUnlistedLink({ layerPaths }: CheckedImage, table: EntryTable): boolean {
  const listed = new Set(layerPaths.map((path) => path.replace(/^\.?\/+/, '')))
  return [...listed].some((path) => {
    const file = table.find(path)
    return typeof file !== 'string' && !listed.has(file.path)
  })
}

function historyLength({ raw }: ImageConfig): number {
  if (isAbsent(raw.history) || !Array.isArray(raw.history)) return 0
  return raw.history.filter((step) => !(step as { readonly empty_layer?: unknown } | null)?.empty_layer)
    .length
}
