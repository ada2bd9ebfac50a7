import { pipeline } from 'node:stream'
import type { Image } from '../image/image.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex, shortDigest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { verifyContent } from '../streams/verify.ts'
import type { ArchiveFormat, FileEntry } from './archive-format.ts'
import { type ArchivedImage, byConfig, byManifest, manifestJson } from './archived-image.ts'
import { type BytesEntry, bytesEntry } from './bytes-entry.ts'

/**
 * An OCI image layout (image-spec image-layout.md) with docker's manifest.json beside it, in one tar: every blob as the
 * registry served it, so the digest survives. Loads in docker, podman, containerd and skopeo.
 */
export const ociArchive: ArchiveFormat = {
  name: 'oci',
  *entries(images, store) {
    for (const entry of ociLayout(images)) {
      yield 'bytes' in entry ? entry : followedEntry(entry, store)
    }
  },
}

/** An entry that is at hand, or stands for a blob as the registry serves it. */
export type OciEntry = BytesEntry | BlobEntry

export interface BlobEntry extends Pick<FileEntry, 'type' | 'path' | 'mtime'> {
  readonly size: number
  readonly blob: Descriptor
}

/** The entries in their order, each path once, for those who write the blobs themselves. */
export function ociLayout(images: readonly Image[]): readonly OciEntry[] {
  const entries = [
    bytesEntry('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    bytesEntry('index.json', indexJson(byManifest(images))),
    bytesEntry('manifest.json', manifestJson(byConfig(images).map(manifestItem))),
    ...images.flatMap(imageEntries),
  ]
  const seen = new Set<string>()
  return entries.filter(({ path }) => {
    const isNew = !seen.has(path)
    seen.add(path)
    return isNew
  })
}

/** One descriptor for each name, for an annotation holds one; a single one without annotations where there is none. */
function indexJson(images: readonly ArchivedImage[]): string {
  const manifests = images.flatMap(({ image, names }) => {
    const { mediaType, digest, size } = image.manifest
    const descriptor = { mediaType, digest, size, platform: platformJson(image.platform) }
    return names.length === 0
      ? [descriptor]
      : names.map((name) => ({ ...descriptor, annotations: annotations(name) }))
  })
  return JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests })
}

/** containerd takes the full name from the first, podman and skopeo the tag from the second. */
function annotations(name: string) {
  return {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': parseReference(name).tag,
  }
}

function platformJson({ architecture, os, osVersion, osFeatures, variant }: Platform) {
  return { architecture, os, 'os.version': osVersion, 'os.features': osFeatures, variant }
}

function manifestItem({ image, names }: ArchivedImage) {
  return {
    configPath: blobPath(image.config.digest),
    names,
    layerPaths: image.layers.map(({ descriptor }) => blobPath(descriptor.digest)),
  }
}

function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`
}

function imageEntries(image: Image): readonly OciEntry[] {
  const { manifest, config, layers } = image
  return [
    { ...bytesEntry(blobPath(manifest.digest), image.manifestBytes), blob: manifest },
    { ...bytesEntry(blobPath(config.digest), image.configBytes), blob: config },
    ...layers.map(({ descriptor }) => blobEntry(descriptor)),
  ]
}

function blobEntry(blob: Descriptor): BlobEntry {
  return { type: 'file', path: blobPath(blob.digest), mtime: 0, size: blob.size, blob }
}

function followedEntry(entry: BlobEntry, store: BlobStore): FileEntry {
  const { digest, size } = entry.blob
  const what = `layer ${shortDigest(digest)}`
  return {
    ...entry,
    open: (signal) => pipeline(store.follow(digest, signal), verifyContent({ digest, size }, what), () => {}),
    settled: (signal) => store.settled(digest, signal),
    layer: {
      what,
      blobSize: size,
      isInflated: false,
      digest,
      openBlob: (signal) => store.open(digest, signal),
    },
  }
}
