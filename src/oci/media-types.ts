/** Names of the documents and blobs of an image: Docker's and, for the same things, OCI's (image-spec media-types.md). */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerPlugin: 'application/vnd.docker.plugin.v1+json',
} as const

/**
 * For the Accept header of every manifest request, all of them: a registry that misses Docker's types converts images
 * to schema 1, and one that misses OCI's denies that they exist.
 */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.dockerIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
]

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest
}

/** Docker's format before 2016, which no current engine reads. */
export function isSchema1Type(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/.test(mediaType)
}

/** The last four are what old tools wrote by accident; docker takes them too. */
const configTypes: ReadonlySet<string> = new Set([
  mediaTypes.ociConfig,
  mediaTypes.dockerConfig,
  'application/octet-stream',
  'application/json',
  'text/html',
  '',
])

/** True for the config of an image; artifacts such as Helm charts have one of another type. */
export function isConfigType(mediaType: string): boolean {
  return configTypes.has(mediaType)
}

/** True for a change set of a file system, compressed or not; how is seen from its bytes, the names are not reliable. */
export function isLayerType(mediaType: string): boolean {
  return /^application\/vnd\.(oci\.image\.layer|docker\.image\.rootfs)\./.test(mediaType)
}

export function isEncryptedType(mediaType: string): boolean {
  return mediaType.endsWith('+encrypted')
}

/** A Content-Type without its parameters, in lower case. */
export function bareMediaType(contentType: string): string {
  return contentType.replace(/;.*$/s, '').trim().toLowerCase()
}
