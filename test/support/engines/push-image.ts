import type { BuiltImage } from '../image-builder.ts'

/** Puts an image that is in memory into a registry, which is plain http; resolves to its reference. */
export async function pushImage(host: string, name: string, image: BuiltImage): Promise<string> {
  const [repository = '', tag = ''] = name.split(':')
  const base = `http://${host}/v2/${repository}`
  await pushBlob(base, image.configDigest, image.config)
  for (const { digest, blob } of image.layers) await pushBlob(base, digest, blob)
  const headers = { 'content-type': image.mediaType }
  await send(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: new Uint8Array(image.manifest) })
  return `${host}/${name}`
}

async function pushBlob(base: string, digest: string, blob: Buffer): Promise<void> {
  const upload = await send(`${base}/blobs/uploads/`, { method: 'POST' })
  const url = new URL(upload.headers.get('location') ?? '', base)
  url.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  await send(url, {
    method: 'PUT',
    headers,
    body: new Uint8Array(blob.buffer, blob.byteOffset, blob.length) as never,
  })
}

async function send(url: URL | string, request: RequestInit): Promise<Response> {
  const response = await fetch(url, request)
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
