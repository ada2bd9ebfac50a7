import { once } from 'node:events'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sha256 } from '../support/image-builder.ts'
import type { Layer } from './layers.ts'

interface Manifest {
  readonly config: { readonly size: number }
  readonly layers: readonly { readonly digest: string; readonly size: number }[]
}

const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'
const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const configType = 'application/vnd.docker.container.image.v1+json'

/** Puts an image into a registry of plain http; its layers are made one after another. */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  layers: readonly (() => Layer)[],
): Promise<void> {
  const descriptors = []
  const diffIds = []
  for (const make of layers) {
    const { pieces, digest, size, diffId } = make()
    await pushBlob(host, repository, digest, pieces)
    descriptors.push({ mediaType: layerType, digest, size })
    diffIds.push(diffId)
  }
  const config = Buffer.from(
    JSON.stringify({
      created: '2024-05-06T07:08:09Z',
      os: 'linux',
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      config: {},
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  )
  await pushBlob(host, repository, sha256(config), [config])
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: configType, digest: sha256(config), size: config.length },
    layers: descriptors,
  }
  const answer = await fetch(manifestUrl(host, repository, tag), {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: JSON.stringify(manifest),
  })
  if (answer.status !== 201) throw new Error(`the manifest of ${repository} got ${answer.status}`)
}

export async function hasManifest(host: string, repository: string, tag: string): Promise<boolean> {
  const answer = await fetch(manifestUrl(host, repository, tag), { headers: { accept: mediaType } })
  await answer.arrayBuffer()
  return answer.ok
}

export async function readManifest(host: string, repository: string, tag: string): Promise<Manifest> {
  const answer = await fetch(manifestUrl(host, repository, tag), { headers: { accept: mediaType } })
  if (!answer.ok) throw new Error(`the manifest of ${repository} got ${answer.status}`)
  return (await answer.json()) as Manifest
}

async function pushBlob(
  host: string,
  repository: string,
  digest: string,
  pieces: readonly Buffer[],
): Promise<void> {
  const start = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const url = new URL(start.headers.get('location') ?? '', start.url)
  url.searchParams.set('digest', digest)
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const upload = request(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': length },
  })
  const answered = once(upload, 'response')
  await pipeline(Readable.from(pieces), upload)
  const [answer] = await answered
  answer.resume()
  if (answer.statusCode !== 201) throw new Error(`a blob of ${repository} got ${answer.statusCode}`)
}

function manifestUrl(host: string, repository: string, tag: string): string {
  return `http://${host}/v2/${repository}/manifests/${tag}`
}
