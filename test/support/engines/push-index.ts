import { createHash } from 'node:crypto'

/** An entry of an index; the manifest is in the same repository. */
export interface IndexEntry {
  readonly tag: string
  readonly platform: Readonly<Record<string, string>>
}

const indexType = 'application/vnd.oci.image.index.v1+json'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'

/**
 * Puts an OCI index over manifests that are there already, with an attestation of the first one, as BuildKit writes it.
 * No tool of Debian 12 makes such an index; every registry is full of them.
 */
export async function pushIndexWithAttestation(
  repository: string,
  tag: string,
  entries: readonly IndexEntry[],
) {
  const manifests = await Promise.all(
    entries.map(async (entry) => ({
      ...(await describeTag(repository, entry.tag)),
      platform: entry.platform,
    })),
  )
  const subject = manifests[0]?.digest ?? ''
  const attestation = {
    ...(await pushAttestation(repository, subject)),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject,
    },
  }
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [attestation, ...manifests] }
  await pushManifest(repository, tag, indexType, JSON.stringify(index))
}

async function describeTag(repository: string, tag: string) {
  const response = await fetch(`${repository}/manifests/${tag}`, { headers: { accept: manifestType } })
  return describe(manifestType, Buffer.from(await response.arrayBuffer()))
}

async function pushAttestation(repository: string, subject: string) {
  const config = await pushBlob(repository, 'application/vnd.oci.image.config.v1+json', {
    ...{ architecture: 'unknown', os: 'unknown' },
    rootfs: { type: 'layers', diff_ids: [] },
  })
  const statement = await pushBlob(repository, 'application/vnd.in-toto+json', { subject })
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: [statement] }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const descriptor = describe(manifestType, bytes)
  await pushManifest(repository, descriptor.digest, manifestType, bytes)
  return descriptor
}

async function pushBlob(repository: string, mediaType: string, content: object) {
  const bytes = Buffer.from(JSON.stringify(content))
  const descriptor = describe(mediaType, bytes)
  const upload = await mustFetch(`${repository}/blobs/uploads/`, { method: 'POST' })
  const target = new URL(upload.headers.get('location') ?? '', repository)
  target.searchParams.set('digest', descriptor.digest)
  await mustFetch(target, { method: 'PUT', body: bytes })
  return descriptor
}

async function pushManifest(
  repository: string,
  identifier: string,
  mediaType: string,
  body: string | Buffer,
) {
  const headers = { 'content-type': mediaType }
  await mustFetch(`${repository}/manifests/${identifier}`, { method: 'PUT', headers, body })
}

async function mustFetch(url: string | URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${init.method} ${url}: ${response.status} ${await response.text()}`)
  return response
}

function describe(mediaType: string, bytes: Buffer) {
  return {
    mediaType,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
  }
}
