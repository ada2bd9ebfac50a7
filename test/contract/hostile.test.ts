import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { mostMemory, readPeakMemory } from '../support/engines/measure.ts'
import {
  addImage,
  addManifest,
  type BuiltLayer,
  buildImage,
  createContent,
  layerOf,
  sha256,
} from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { readEntryDigests } from '../support/read-archive.ts'
import { registry } from '../support/registry.ts'
import { type Finished, runDray } from '../support/run-dray.ts'
import type { Handler } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const content = createContent()
const image = buildImage({ layers: [layerOf(Buffer.alloc(10_240))] })
addImage(content, image, 'app:1')
const sound = registry(content)

const [layer] = image.layers
const manifestType = image.mediaType
const mebibyte = Buffer.alloc(1024 * 1024, ' ')

interface Measured extends Finished {
  readonly peakMemory: number
}

/** The command in a process of its own, as little of it remembered as possible. */
async function runMeasured(args: readonly string[]): Promise<Measured> {
  let peakMemory = 0
  let poll: ReturnType<typeof setInterval> | undefined
  const finished = await runDray(args, {
    onStart(child) {
      poll = setInterval(() => {
        peakMemory = Math.max(peakMemory, readPeakMemory(child))
      }, 10)
    },
  })
  clearInterval(poll)
  return { ...finished, peakMemory }
}

/** Sends until nobody reads any more, or for so many bytes. */
async function flood(response: ServerResponse, bytes = Number.POSITIVE_INFINITY): Promise<void> {
  for (let sent = 0; sent < bytes && !response.destroyed; sent += mebibyte.length) {
    if (!response.write(mebibyte)) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve).once('close', resolve)
      })
    }
  }
  response.end()
}

const gibibyte = 2 ** 30

/** Another answer than the sound one for what is asked at this path. */
const at =
  (path: string, handler: Handler, next: Handler = sound): Handler =>
  (request, response) =>
    (request.url?.startsWith(path) ? handler : next)(request, response)

const endless =
  (status: number, headers: Readonly<Record<string, string | number>> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, headers)
    return flood(response)
  }

const huge =
  (status: number, headers: Readonly<Record<string, string | number>> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, { 'content-length': gibibyte, ...headers })
    return flood(response, gibibyte)
  }

const manifests = '/v2/app/manifests/'
const blobs = '/v2/app/blobs/'
const config = `${blobs}${image.configDigest}`

const asking =
  (challenge: (host: string | undefined) => string): Handler =>
  (request, response) => {
    if (request.headers.authorization) return sound(request, response)
    response.writeHead(401, { 'www-authenticate': challenge(request.headers.host) }).end()
  }

const bearer = asking((host) => `Bearer realm="http://${host}/token",service="test"`)

const coded =
  (coding: string, body: Buffer): Handler =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': manifestType, 'content-encoding': coding }).end(body)

const gzipped = (times: number, bytes: Buffer): Buffer =>
  times === 0 ? bytes : gzipped(times - 1, gzipSync(bytes))

const document =
  (bytes: string | Buffer, type = manifestType): Handler =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': type }).end(bytes)

const descriptor = { mediaType: layer?.mediaType, digest: layer?.digest, size: 7 }
const manifestOf = (layers: readonly unknown[], size = image.config.length) =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.docker.container.image.v1+json', digest: image.configDigest, size },
    layers,
  })
const indexType = 'application/vnd.oci.image.index.v1+json'
const indexOf = (entries: readonly unknown[]) =>
  JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: entries })
const indexEntry = { mediaType: indexType, digest: sha256(''), size: 1 }

test.each<[string, Handler, number, RegExp]>([
  [
    'a manifest without an end',
    at(manifests, endless(200, { 'content-type': manifestType })),
    3,
    /larger than 4 MiB/,
  ],
  ['a manifest of 1 GiB', at(manifests, huge(200, { 'content-type': manifestType })), 3, /larger than 4 MiB/],
  [
    'a web page without an end',
    at(manifests, endless(200, { 'content-type': 'text/html' })),
    3,
    /larger than 4 MiB/,
  ],
  ['an error body of 1 GiB', at(manifests, huge(500)), 5, /answered 500/],
  ['an error body without an end', at(manifests, endless(404)), 3, /has no app:1/],
  [
    'a refusal without an end',
    at(blobs, endless(403, { 'content-type': 'application/json' })),
    4,
    /refused blob/,
  ],
  ['a rate limit without an end', at(manifests, endless(429, { 'retry-after': '9'.repeat(4000) })), 9, /429/],
  [
    'a redirect whose body has no end',
    at(blobs, endless(307, { location: 'ftp://a/' })),
    8,
    /neither http nor https/,
  ],
  ['a token without an end', at('/token', endless(200), bearer), 5, /token/],
  ["a token server's error of 1 GiB", at('/token', huge(500), bearer), 5, /answered 500/],
  [
    'a challenge of 60 KiB',
    asking(() => `Bearer realm="https://[${'a,='.repeat(20_000)}`),
    8,
    /which is no URL/,
  ],
  ['a challenge of a megabyte', asking(() => `Bearer realm="${'a'.repeat(2 ** 20)}`), 5, /headers?/i],
  [
    'a config without an end',
    at(config, endless(200)),
    6,
    /longer than the \d+ bytes that its manifest promises/,
  ],
  ['a config that says it has 1 GiB', at(config, huge(200)), 6, /longer than|1073741824/],
  [
    'a config that its manifest says has 4 GiB',
    at(manifests, document(manifestOf([descriptor], 2 ** 32))),
    6,
    /claims 4294967296 bytes/,
  ],
  ['a layer without an end', at(`${blobs}${layer?.digest}`, endless(200)), 6, /bytes/],
  [
    'a manifest that is a bomb',
    at(manifests, coded('gzip', gzipSync(Buffer.alloc(2 ** 28)))),
    3,
    /larger than 4 MiB/,
  ],
  [
    'a manifest coded six times',
    at(manifests, coded('gzip, gzip, gzip, gzip, gzip, gzip', gzipped(6, image.manifest))),
    5,
    /coded as gzip, gzip/,
  ],
  [
    'a manifest coded in another way',
    at(manifests, coded('br', brotliCompressSync(image.manifest))),
    5,
    /coded as br/,
  ],
  [
    'a config that is a bomb',
    at(config, coded('gzip', gzipSync(Buffer.alloc(2 ** 28)))),
    6,
    /longer than the \d+ bytes that its manifest promises/,
  ],
  [
    'a manifest that is nothing but brackets',
    at(manifests, document('['.repeat(4_000_000), 'application/json')),
    6,
    /nested too deeply/,
  ],
  [
    'an error that is nothing but brackets',
    at(
      manifests,
      (_, response) => void response.writeHead(500).end(`${'['.repeat(30_000)}${']'.repeat(30_000)}`),
    ),
    5,
    /answered 500/,
  ],
  [
    'an answer of a token server that is nested without an end',
    at('/token', document(`${'{"error":'.repeat(100_000)}1${'}'.repeat(100_000)}`), bearer),
    5,
    /token/,
  ],
  [
    'a manifest of a million empty lists',
    at(manifests, document(`{"a":[${'[],'.repeat(1_300_000)}1]}`)),
    6,
    /too many values/,
  ],
  [
    'ten thousand layers',
    at(manifests, document(manifestOf(Array.from({ length: 10_000 }, () => descriptor)))),
    3,
    /10000; dray takes at most 500/,
  ],
  [
    'an index of a hundred thousand entries',
    at(manifests, document(indexOf(Array.from({ length: 100_000 }, () => ({}))), indexType)),
    3,
    /100000; dray takes at most 1000/,
  ],
  [
    'an index that is its own entry',
    at(manifests, document(indexOf([indexEntry]), indexType)),
    6,
    /sent something else/,
  ],
])('%s is refused, within the memory that any pull may take', async (_, handler, exitCode, words) => {
  const server = await serveDuringTest(handler)
  const directory = temporaryDirectory()
  const args = [
    `${server.host}/app:1`,
    '--plain-http',
    '--retries',
    '0',
    '--timeout',
    '10',
    '-o',
    join(directory, 'a.tar'),
  ]
  const finished = await runMeasured(args)
  expect(finished.stderr).toMatch(words)
  expect(finished.stderr.length).toBeLessThan(5000)
  expect(finished).toMatchObject({ exitCode, stdout: '' })
  expect(finished.peakMemory).toBeLessThan(mostMemory)
})

test('indexes within indexes are followed to a depth, not to their end', async () => {
  const deep = createContent()
  addImage(deep, image)
  let bytes = Buffer.from('{}')
  let entry: object = { mediaType: manifestType, digest: image.digest, size: image.manifest.length }
  for (let depth = 0; depth < 20; depth++) {
    bytes = Buffer.from(indexOf([entry]))
    entry = { mediaType: indexType, digest: addManifest(deep, bytes, indexType, 'app:1'), size: bytes.length }
  }
  const server = await serveDuringTest(registry(deep))
  const { exitCode, stderr } = await runMeasured([`${server.host}/app:1`, '--plain-http'])
  expect(stderr).toContain('indexes are nested too deeply')
  expect(exitCode).toBe(3)
  expect(server.requests.length).toBeLessThan(10)
})

/** 300 MiB of zeros that take 300 KiB on the wire. */
async function bomb(): Promise<{ readonly layer: BuiltLayer; readonly size: number }> {
  const blocks = 300
  const hash = createHash('sha256')
  const gzip = createGzip({ level: 9 })
  const zeros = Buffer.alloc(1024 * 1024)
  const chunks: Buffer[] = []
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (let block = 0; block < blocks; block++) {
    hash.update(zeros)
    if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once('drain', resolve))
  }
  await new Promise<void>((resolve) => gzip.once('end', resolve).end())
  const blob = Buffer.concat(chunks)
  const diffId = `sha256:${hash.digest('hex')}`
  const { mediaType } = layerOf(Buffer.alloc(0))
  return {
    size: blocks * zeros.length,
    layer: { tar: Buffer.alloc(0), blob, diffId, digest: sha256(blob), mediaType },
  }
}

describe('a layer that grows a thousandfold', async () => {
  const { layer, size } = await bomb()
  const explosive = createContent()
  addImage(explosive, buildImage({ layers: [layer] }), 'app:1')
  addImage(explosive, buildImage({ layers: [{ ...layer, diffId: sha256('another') }] }), 'app:wrong')

  test('is unpacked into the right archive, in little memory', async () => {
    expect(size / layer.blob.length).toBeGreaterThan(1000)
    const server = await serveDuringTest(registry(explosive))
    const output = join(temporaryDirectory(), 'a.tar')
    const finished = await runMeasured([`${server.host}/app:1`, '--plain-http', '-o', output])
    expect(finished).toMatchObject({ exitCode: 0 })
    expect(finished.peakMemory).toBeLessThan(mostMemory)
    const digests = await readEntryDigests(output)
    expect([...digests.values()]).toContain(layer.diffId)
  })

  test('is refused when it is not what its diffID says, in little memory', async () => {
    const server = await serveDuringTest(registry(explosive))
    const output = join(temporaryDirectory(), 'a.tar')
    const finished = await runMeasured([`${server.host}/app:wrong`, '--plain-http', '-o', output])
    expect(finished).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('is corrupt') })
    expect(finished.peakMemory).toBeLessThan(mostMemory)
    await expect(open(output)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
