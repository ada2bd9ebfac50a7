import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Headers, pack } from 'tar-stream'

/** What a registry holds: blobs and manifests by digest, tags by `repository:tag`. */
export interface RegistryContent {
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, StoredManifest>
  readonly tags: Map<string, string>
}

export interface StoredManifest {
  readonly mediaType: string
  readonly bytes: Buffer
}

export interface BuiltLayer {
  readonly tar: Buffer
  readonly blob: Buffer
  readonly diffId: string
  readonly digest: string
  readonly mediaType: string
  /** Of a blob that is too large to be here. */
  readonly size?: number
}

export interface BuiltImage {
  readonly digest: string
  readonly manifest: Buffer
  readonly mediaType: string
  readonly config: Buffer
  readonly configDigest: string
  readonly layers: readonly BuiltLayer[]
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
}

export interface ImageRecipe {
  readonly layers: readonly BuiltLayer[]
  readonly platform?: BuiltImage['platform']
  /** Media types of OCI instead of Docker's. */
  readonly oci?: boolean
  /** More fields of the config document. */
  readonly config?: Record<string, unknown>
}

export function createContent(): RegistryContent {
  return { blobs: new Map(), manifests: new Map(), tags: new Map() }
}

export const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Bytes that compress badly, the same every time. */
export const noise = (size: number): Buffer =>
  Buffer.concat(Array.from({ length: size / 32 }, (_, i) => createHash('sha256').update(String(i)).digest()))

/** Path → content; a path that ends in `/` is a directory; header fields (and `content`) for whatever else is wanted. */
export type LayerFiles = Readonly<
  Record<string, string | Buffer | (Partial<Headers> & { readonly content?: Buffer })>
>

export async function buildLayer(
  files: LayerFiles,
  options: { readonly compression?: 'gzip' | 'none'; readonly oci?: boolean } = {},
): Promise<BuiltLayer> {
  const tar = await buildTar(files)
  return layerOf(tar, options)
}

/** A layer around bytes that are at hand, tar or not. */
export function layerOf(
  tar: Buffer,
  {
    compression = 'gzip',
    oci = false,
  }: { readonly compression?: 'gzip' | 'none'; readonly oci?: boolean } = {},
): BuiltLayer {
  const blob = compression === 'gzip' ? gzipSync(tar, { level: 1 }) : tar
  const plainType = oci
    ? 'application/vnd.oci.image.layer.v1.tar'
    : 'application/vnd.docker.image.rootfs.diff.tar'
  const suffix = compression === 'none' ? '' : oci ? '+gzip' : '.gzip'
  return { tar, blob, diffId: sha256(tar), digest: sha256(blob), mediaType: plainType + suffix }
}

async function buildTar(files: LayerFiles): Promise<Buffer> {
  const tar = pack()
  const bytes = buffer(tar)
  for (const [name, content] of Object.entries(files)) {
    const header = { name, mode: name.endsWith('/') ? 0o755 : 0o644, mtime: new Date(0) }
    if (name.endsWith('/')) tar.entry({ ...header, type: 'directory' })
    else if (typeof content === 'string' || Buffer.isBuffer(content)) tar.entry(header, content)
    else {
      const { content: bytes = Buffer.alloc(0), ...fields } = content
      tar.entry({ ...header, ...fields }, bytes)
    }
  }
  tar.finalize()
  return bytes
}

export function buildImage({ layers, platform, oci = false, config = {} }: ImageRecipe): BuiltImage {
  const target = platform ?? { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' }
  const configBytes = Buffer.from(
    JSON.stringify({
      created: '2024-05-06T07:08:09.5Z',
      ...target,
      config: {},
      ...config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  )
  const mediaType = oci
    ? 'application/vnd.oci.image.manifest.v1+json'
    : 'application/vnd.docker.distribution.manifest.v2+json'
  const configType = oci
    ? 'application/vnd.oci.image.config.v1+json'
    : 'application/vnd.docker.container.image.v1+json'
  const manifest = Buffer.from(
    JSON.stringify(
      {
        schemaVersion: 2,
        mediaType,
        config: { mediaType: configType, digest: sha256(configBytes), size: configBytes.length },
        layers: layers.map(({ blob, digest, mediaType, size = blob.length }) => ({
          mediaType,
          digest,
          size,
        })),
      },
      undefined,
      3,
    ),
  )
  return {
    digest: sha256(manifest),
    manifest,
    mediaType,
    config: configBytes,
    configDigest: sha256(configBytes),
    layers,
    platform: target,
  }
}

/** Puts an image into a registry, under a tag if one is given. */
export function addImage(content: RegistryContent, image: BuiltImage, name?: string): void {
  for (const { digest, blob } of image.layers) content.blobs.set(digest, blob)
  content.blobs.set(image.configDigest, image.config)
  addManifest(content, image.manifest, image.mediaType, name)
}

export function addManifest(
  content: RegistryContent,
  bytes: Buffer,
  mediaType: string,
  name?: string,
): string {
  const digest = sha256(bytes)
  content.manifests.set(digest, { mediaType, bytes })
  if (name) content.tags.set(name, digest)
  return digest
}

/** An index over images, and, as BuildKit writes it, an attestation for each when asked for. */
export function addIndex(
  content: RegistryContent,
  images: readonly BuiltImage[],
  name: string,
  { attestations = false } = {},
): string {
  for (const image of images) addImage(content, image)
  const manifests = images.map(({ digest, manifest, mediaType, platform }) => ({
    mediaType,
    digest,
    size: manifest.length,
    platform,
  }))
  const extra = attestations ? images.map((image) => addAttestation(content, image)) : []
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: [...extra, ...manifests] }),
  )
  return addManifest(content, bytes, mediaType, name)
}

function addAttestation(content: RegistryContent, image: BuiltImage) {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}')
  const config = Buffer.from('{}')
  content.blobs.set(sha256(statement), statement)
  content.blobs.set(sha256(config), config)
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: sha256(config),
        size: config.length,
      },
      layers: [
        { mediaType: 'application/vnd.in-toto+json', digest: sha256(statement), size: statement.length },
      ],
    }),
  )
  return {
    mediaType,
    digest: addManifest(content, bytes, mediaType),
    size: bytes.length,
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': image.digest,
    },
    platform: { os: 'unknown', architecture: 'unknown' },
  }
}
