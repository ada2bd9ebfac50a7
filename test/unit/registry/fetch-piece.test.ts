import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { codedError } from '../../../src/http/failures.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { createRegistryClient } from '../../../src/registry/registry-client.ts'

const signal = new AbortController().signal
const blob = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))
const descriptor = { mediaType: 'x', digest: digestOf(blob), size: blob.length }
const piece = { from: 300, to: 400 }

type Answer = Pick<HttpResponse, 'status' | 'headers'> & { readonly bytes: Buffer }
const whole: Answer = { status: 200, headers: {}, bytes: blob }
const answered = (range: string, more: HttpResponse['headers'] = {}): Answer => ({
  status: 206,
  headers: { 'content-range': range, ...more },
  bytes: blob.subarray(300, 400),
})

/** A repository behind these hosts, best first; each answers pieces in its way, or not at all. */
function setUp(hosts: Readonly<Record<string, (request: HttpRequest) => Answer | undefined>>) {
  const seen: { host: string; range: string | undefined }[] = []
  const bodies: Readable[] = []
  const retries: string[] = []
  const warnings: string[] = []
  const transport: Transport = async (request) => {
    const { url, headers: { range } = {} } = request
    seen.push({ host: url.host, range })
    const answer = hosts[url.host]?.(request)
    if (!answer) throw new DrayError('NETWORK', 'reset', { cause: codedError('ECONNRESET', 'reset') })
    const body = Readable.from([answer.bytes], { objectMode: false })
    bodies.push(body)
    return { status: answer.status, headers: answer.headers, body, url }
  }
  const open = createRegistryClient({
    transport,
    onRetry: ({ reason }) => retries.push(reason),
    onWarning: (message) => warnings.push(message),
  })
  const repository = open({
    registry: 'reg.io',
    repository: 'app',
    endpoints: Object.keys(hosts).map((host) => ({
      registry: host,
      repository: 'app',
      root: new URL(`https://${host}/v2/`),
      source: 'mirrors.conf',
    })),
  })
  return { repository, seen, bodies, retries, warnings }
}

test.each([
  ['bytes 300-399/1000', {}],
  ['bytes 300-399/*', {}],
  ['bytes 300-399/1000', { 'content-length': '100', 'content-encoding': 'gzip' }],
])('a piece is asked for by a range with an end, and taken as %s', async (range, headers) => {
  const { repository, seen } = setUp({ 'reg.io': () => answered(range, headers) })
  const body = await repository.fetchPiece(descriptor, piece, signal)
  expect(body && (await buffer(body))).toEqual(blob.subarray(300, 400))
  expect(seen).toEqual([{ host: 'reg.io', range: 'bytes=300-399' }])
})

test.each<[string, Answer]>([
  ['the whole blob', whole],
  ['the rest of it', answered('bytes 300-999/1000')],
  ['less', answered('bytes 300-398/1000')],
  ['other bytes', answered('bytes 200-299/1000')],
  ['those of another blob', answered('bytes 300-399/2000')],
  ['another number of them than it says', answered('bytes 300-399/1000', { 'content-length': '99' })],
  ['those of a coding, perhaps', answered('bytes 300-399/*', { 'content-encoding': 'gzip' })],
  ['a 206 that does not say what it holds', { ...answered(''), headers: {} }],
  ['a 416', { ...whole, status: 416 }],
  ['a 429', { ...whole, status: 429, headers: { 'retry-after': '60' } }],
  ['a 503', { ...whole, status: 503 }],
  ['a 404', { ...whole, status: 404 }],
])('%s is no piece: it is not read, and not asked for again', async (_, answer) => {
  const { repository, seen, bodies, retries } = setUp({ 'reg.io': () => answer })
  expect(await repository.fetchPiece(descriptor, piece, signal)).toBe(undefined)
  expect(bodies.map(({ destroyed }) => destroyed)).toEqual([true])
  expect(seen).toHaveLength(1)
  expect(retries).toEqual([])
})

test('a piece that cannot be asked for is not asked for again', async () => {
  const { repository, seen, retries } = setUp({ 'reg.io': () => undefined })
  await expect(repository.fetchPiece(descriptor, piece, signal)).rejects.toThrow()
  expect(seen).toHaveLength(1)
  expect(retries).toEqual([])
})

test('of several places, pieces come from the one that gives the blob, and their trouble is no reason to leave it', async () => {
  const { repository, seen, warnings } = setUp({
    'none.io': () => ({ ...whole, status: 404 }),
    'mirror.io': ({ headers }) => (headers?.range === undefined ? whole : undefined),
    'reg.io': () => whole,
  })
  await buffer(await repository.fetchBlob(descriptor, 0, signal))
  await expect(repository.fetchPiece(descriptor, piece, signal)).rejects.toThrow()
  await buffer(await repository.fetchBlob(descriptor, 0, signal))
  expect(seen.map(({ host }) => host)).toEqual(['none.io', 'mirror.io', 'mirror.io', 'none.io', 'mirror.io'])
  expect(warnings).toEqual([])
})

test('before a blob came from anywhere, its pieces come from the best place that has not failed', async () => {
  const { repository, seen } = setUp({
    'silent.io': () => undefined,
    'mirror.io': ({ headers }) => (headers?.range === undefined ? whole : answered('bytes 300-399/1000')),
    'reg.io': () => whole,
  })
  const other = { ...descriptor, digest: digestOf('other') }
  await expect(repository.fetchPiece(other, piece, signal)).rejects.toThrow()
  await buffer(await repository.fetchBlob(descriptor, 0, signal))
  const body = await repository.fetchPiece(other, piece, signal)
  expect(body && (await buffer(body))).toEqual(blob.subarray(300, 400))
  const hosts = seen.map(({ host }) => host)
  expect([hosts[0], ...hosts.slice(-2)]).toEqual(['silent.io', 'mirror.io', 'mirror.io'])
})

test('who sent the beginning of a blob is still suspected when its rest came from elsewhere', async () => {
  let isUp = true
  const { repository, seen } = setUp({
    'mirror.io': () => (isUp ? whole : undefined),
    'reg.io': () => ({ ...answered('bytes 500-999/1000'), bytes: blob.subarray(500) }),
  })
  await buffer(await repository.fetchBlob(descriptor, 0, signal))
  isUp = false
  await buffer(await repository.fetchBlob(descriptor, 500, signal))
  isUp = true
  expect(repository.distrust(descriptor)).toBe(true)
  seen.length = 0
  await buffer(await repository.fetchBlob(descriptor, 500, signal))
  expect(seen.map(({ host }) => host)).toEqual(['reg.io'])
})
