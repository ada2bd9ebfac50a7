import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Image } from '../../src/image/image.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import type { BlobStore } from '../../src/store/blob-store.ts'

export interface ImageRecipe {
  readonly name?: string
  /** Uncompressed layers, base first. */
  readonly layers?: readonly Buffer[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly compress?: (bytes: Buffer) => Buffer
}

/** An image without a registry, and its blobs. */
export function makeImage({
  name,
  layers = [tarOf('a'), tarOf('b')],
  config = {},
  compress = gzipSync,
}: ImageRecipe = {}) {
  const diffIds = layers.map((layer) => digestOf(layer))
  const raw = {
    architecture: 'amd64',
    os: 'linux',
    created: '2023-11-14T22:13:20Z',
    ...config,
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
  const configBytes = Buffer.from(JSON.stringify(raw))
  const blobs = layers.map((layer) => compress(layer))
  const descriptors = blobs.map((blob) => descriptorOf('application/vnd.oci.image.layer.v1.tar+gzip', blob))
  const configDescriptor = descriptorOf('application/vnd.oci.image.config.v1+json', configBytes)
  const manifestBytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, config: configDescriptor, layers: descriptors }),
  )
  const image: Image = {
    reference: { registry: 'docker.io', repository: 'library/app', tag: '1' },
    ...(name !== undefined && { name }),
    platform: { os: 'linux', architecture: 'amd64' },
    manifest: descriptorOf('application/vnd.oci.image.manifest.v1+json', manifestBytes),
    manifestBytes,
    config: configDescriptor,
    configBytes,
    configJson: { platform: { os: 'linux', architecture: 'amd64' }, created: raw.created, diffIds, raw },
    layers: descriptors.map((descriptor, i) => ({ descriptor, diffId: diffIds[i] ?? digestOf('') })),
  }
  return { image, blobs, layers }
}

/** Not a real tar, but of its shape: whole blocks. */
export function tarOf(text: string): Buffer {
  return Buffer.concat([Buffer.from(text.padEnd(512, text)), Buffer.alloc(1024)])
}

function descriptorOf(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

/** A store that has these blobs, all at rest. */
export function storeOf(blobs: readonly Buffer[]): BlobStore {
  const byDigest = new Map<Digest, Buffer>(blobs.map((blob) => [digestOf(blob), blob]))
  return {
    has: async ({ digest }) => byDigest.has(digest),
    write: async () => {},
    follow: (digest) =>
      Readable.from([byDigest.get(digest) ?? Buffer.from('not there')], { objectMode: false }),
    open: () => Promise.reject(new Error('these blobs are in no file')),
    settled: async () => {},
  }
}
