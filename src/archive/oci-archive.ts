import { pipeline } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex, shortDigest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { parseReference } from '../oci/reference.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { verifyContent } from '../streams/verify.ts'
import type { ArchiveEntry, ArchiveFormat, FileEntry } from './archive-format.ts'
import { type ArchivedImage, byConfig, byManifest, manifestJson } from './archived-image.ts'
import { bytesEntry } from './bytes-entry.ts'

/**
 * An OCI image layout (image-spec image-layout.md) with docker's manifest.json beside it, in one tar: every blob as the
 * registry served it, so the digest survives. Loads in docker, podman, containerd and skopeo.
 */
export const ociArchive: ArchiveFormat = {
  name: 'oci',
  *entries(images, store) {
    yield bytesEntry('oci-layout', '{"imageLayoutVersion":"1.0.0"}')
    yield bytesEntry('index.json', indexJson(byManifest(images)))
    yield bytesEntry('manifest.json', manifestJson(byConfig(images).map(manifestItem)))
    const written = new Set<string>()
    for (const entry of images.flatMap((image) => blobEntries(image, store))) {
      if (written.has(entry.path)) continue
      written.add(entry.path)
      yield entry
    }
  },
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

function blobEntries(image: ArchivedImage['image'], store: BlobStore): readonly ArchiveEntry[] {
  return [
    bytesEntry(blobPath(image.manifest.digest), image.manifestBytes),
    bytesEntry(blobPath(image.config.digest), image.configBytes),
    ...image.layers.map(({ descriptor }) => layerEntry(descriptor, store)),
  ]
}

function layerEntry({ digest, size }: Descriptor, store: BlobStore): FileEntry {
  const what = `layer ${shortDigest(digest)}`
  return {
    type: 'file',
    path: blobPath(digest),
    mtime: 0,
    size,
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
