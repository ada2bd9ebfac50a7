import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Headers, pack } from 'tar-stream'
import { type BuiltImage, sha256 } from './image-builder.ts'

/** One entry of an archive that a test puts together. */
export interface Item {
  readonly name: string
  readonly type?: Headers['type']
  readonly content?: Buffer
  readonly linkname?: string
}

export async function packItems(items: readonly Item[]): Promise<Buffer> {
  const tar = pack()
  const bytes = buffer(tar)
  for (const { content = Buffer.alloc(0), ...header } of items) {
    tar.entry({ mode: 0o644, mtime: new Date(0), ...header, size: content.length }, content)
  }
  tar.finalize()
  return bytes
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const hexOf = (bytes: Uint8Array) => sha256(bytes).replace('sha256:', '')
const blob = (content: Buffer): Item => ({ name: `blobs/sha256/${hexOf(content)}`, content })
const blobPath = (content: Buffer) => blob(content).name
const directory = (name: string): Item => ({ name, type: 'directory' })

export type LayoutName = keyof typeof layouts

/** Archives as other programs lay them out: made by hand, after their documentation and sources. */
export const layouts = {
  /** docker save up to 24. */
  docker24(image: BuiltImage, name: string): readonly Item[] {
    const ids = image.layers.map((_, i) => hexOf(Buffer.from(`layer ${i}`)))
    const config = `${hexOf(image.config)}.json`
    return [
      ...image.layers.flatMap(({ tar }, i) => [
        directory(`${ids[i]}/`),
        { name: `${ids[i]}/VERSION`, content: Buffer.from('1.0') },
        {
          name: `${ids[i]}/json`,
          content: json({ id: ids[i], ...(i > 0 && { parent: ids[i - 1] }), os: 'linux' }),
        },
        { name: `${ids[i]}/layer.tar`, content: tar },
      ]),
      { name: config, content: image.config },
      manifestJson(
        config,
        name,
        ids.map((id) => `${id}/layer.tar`),
      ),
      repositories(name, ids.at(-1) ?? ''),
    ]
  },

  /** docker save from 25 on, without the containerd image store. */
  docker25(image: BuiltImage, name: string): readonly Item[] {
    const manifest = ociManifest(image, (layer) => layer.tar)
    const tars = image.layers.map(({ tar }) => tar)
    const sources = image.layers.map(({ tar, diffId }) => [
      diffId,
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', size: tar.length, digest: sha256(tar) },
    ])
    return [
      directory('blobs/'),
      directory('blobs/sha256/'),
      ...[image.config, manifest, ...tars, json({ id: 'v1', os: 'linux' })].map(blob),
      indexJson(manifest, {
        'io.containerd.image.name': name,
        'org.opencontainers.image.ref.name': tagOf(name),
      }),
      manifestJson(blobPath(image.config), familiar(name), tars.map(blobPath), {
        LayerSources: Object.fromEntries(sources),
      }),
      { name: 'oci-layout', content: Buffer.from('{"imageLayoutVersion": "1.0.0"}') },
      repositories(name, hexOf(tars.at(-1) ?? Buffer.alloc(0))),
    ]
  },

  /** buildx build --output type=docker, and docker save with the containerd image store. */
  buildx(image: BuiltImage, name: string): readonly Item[] {
    const manifest = ociManifest(image, (layer) => layer.blob)
    const blobs = image.layers.map((layer) => layer.blob)
    return [
      directory('blobs/'),
      directory('blobs/sha256/'),
      ...[image.config, manifest, ...blobs].map(blob),
      indexJson(manifest, {
        'io.containerd.image.name': name,
        'org.opencontainers.image.created': '2024-05-06T07:08:09Z',
        'org.opencontainers.image.ref.name': tagOf(name),
      }),
      manifestJson(blobPath(image.config), familiar(name), blobs.map(blobPath)),
      { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    ]
  },

  /** skopeo and podman: an image layout alone. */
  ociArchive(image: BuiltImage, name: string): readonly Item[] {
    const manifest = ociManifest(image, (layer) => layer.blob)
    return [
      ...image.layers.map((layer) => blob(layer.blob)),
      blob(image.config),
      blob(manifest),
      { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
      indexJson(manifest, { 'org.opencontainers.image.ref.name': name }),
    ]
  },

  /** skopeo and podman: docker-archive. */
  skopeo(image: BuiltImage, name: string): readonly Item[] {
    const ids = image.layers.map((_, i) => hexOf(Buffer.from(`skopeo ${i}`)))
    const paths = image.layers.map(({ tar }) => `${hexOf(tar)}.tar`)
    const config = `${hexOf(image.config)}.json`
    return [
      ...image.layers.map(({ tar }, i) => ({ name: paths[i] ?? '', content: tar })),
      ...ids.flatMap((id, i): Item[] => [
        { name: `${id}/layer.tar`, type: 'symlink', linkname: `../${paths[i]}` },
        { name: `${id}/VERSION`, content: Buffer.from('1.0') },
        {
          name: `${id}/json`,
          content: json({ id, ...(i > 0 && { parent: ids[i - 1] }), layer_id: paths[i] }),
        },
      ]),
      { name: config, content: image.config },
      repositories(name, ids.at(-1) ?? ''),
      manifestJson(config, name, paths),
    ]
  },

  /** crane pull, kaniko --tar-path. */
  crane(image: BuiltImage, name: string): readonly Item[] {
    const paths = image.layers.map((layer) => `${hexOf(layer.blob)}.tar.gz`)
    return [
      { name: sha256(image.config), content: image.config },
      ...image.layers.map((layer, i) => ({ name: paths[i] ?? '', content: layer.blob })),
      manifestJson(sha256(image.config), name, paths),
    ]
  },
} as const

function manifestJson(config: string, name: string, layers: readonly string[], more = {}): Item {
  const item = { Config: config, RepoTags: [name], Layers: layers, ...more }
  return { name: 'manifest.json', content: json([item]) }
}

function repositories(name: string, id: string): Item {
  const colon = name.lastIndexOf(':')
  return { name: 'repositories', content: json({ [name.slice(0, colon)]: { [name.slice(colon + 1)]: id } }) }
}

function ociManifest(image: BuiltImage, contentOf: (layer: BuiltImage['layers'][number]) => Buffer): Buffer {
  const layers = image.layers.map(contentOf).map((content) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: sha256(content),
    size: content.length,
  }))
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: sha256(image.config),
    size: image.config.length,
  }
  return json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers })
}

function indexJson(manifest: Buffer, annotations: Readonly<Record<string, string>>): Item {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = { mediaType, digest: sha256(manifest), size: manifest.length, annotations }
  return { name: 'index.json', content: json({ schemaVersion: 2, manifests: [descriptor] }) }
}

const tagOf = (name: string): string => name.slice(name.lastIndexOf(':') + 1)
const familiar = (name: string): string => name.replace(/^docker\.io\/(library\/)?/, '')

export const gzipped = (bytes: Buffer): Buffer => gzipSync(bytes, { level: 1 })
