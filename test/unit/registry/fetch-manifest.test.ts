import { Readable } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/http/transport.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { EndpointRequest } from '../../../src/registry/endpoint-access.ts'
import { fetchManifest } from '../../../src/registry/fetch-manifest.ts'

const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [] }))
const digest = digestOf(bytes)
const other = digestOf('other')
const type = 'application/vnd.oci.image.manifest.v1+json'
const signal = new AbortController().signal

interface Answer {
  readonly status?: number
  readonly headers?: HttpResponse['headers']
  readonly body?: Uint8Array | string | Readable
  readonly via?: URL
}

function fetch(identifier: string, ...answers: Answer[]) {
  const seen: EndpointRequest[] = []
  const told: string[] = []
  const content = fetchManifest(
    {
      registry: 'reg.io',
      root: new URL('https://reg.io/v2/'),
      name: 'a/b',
      login: { found: () => undefined, problem: () => undefined },
      tries: {
        retries: 2,
        sleep: async () => {},
        onRetry: ({ what, attempt, attempts }) => told.push(`${what} (${attempt}/${attempts})`),
      },
      get: async (request) => {
        const { status = 200, headers = {}, body = bytes, via } = answers[seen.push(request) - 1] ?? {}
        const stream =
          body instanceof Readable ? body : Readable.from([Buffer.from(body)], { objectMode: false })
        return { status, headers, body: stream, url: new URL('https://reg.io/v2/a/b/manifests/1'), via }
      },
    },
    identifier,
    signal,
  )
  return { content, seen, told }
}

test('a manifest comes with its type and the digest of its bytes', async () => {
  const { content, seen } = fetch('1', {
    headers: { 'content-type': `${type}; charset=utf-8`, 'docker-content-digest': digest },
  })
  expect(await content).toEqual({ mediaType: type, digest, bytes })
  expect(seen).toEqual([
    {
      path: 'manifests/1',
      purpose: 'manifest',
      signal,
      headers: {
        accept:
          'application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
      },
    },
  ])
})

test('a missing Content-Type is left to the reader of the manifest', async () => {
  expect(await fetch('1', {}).content).toEqual({ mediaType: undefined, digest, bytes })
})

describe('the digest', () => {
  const sha512 = digestOf(bytes, 'sha512')

  test.each<[string, string, HttpResponse['headers']]>([
    ['asked for', digest, {}],
    ['asked for as sha512', sha512, {}],
    ['in the header', '1', { 'docker-content-digest': digest }],
    ['in the header in another algorithm', digest, { 'docker-content-digest': sha512 }],
    ['in the header that nobody can check', '1', { 'docker-content-digest': 'md5:abc' }],
    [
      'in the header of a signed schema 1 manifest',
      '1',
      {
        'docker-content-digest': other,
        'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws',
      },
    ],
  ])('%s is fine', async (_, identifier, headers) => {
    const content = await fetch(identifier, { headers }).content
    expect(content.digest).toBe(identifier === sha512 ? sha512 : digest)
  })

  test.each<[string, string, HttpResponse['headers'], string]>([
    ['asked for', other, {}, `reg.io sent something else for a/b@${other}: expected ${other}, got ${digest}`],
    [
      'asked for, whatever the header says',
      other,
      { 'docker-content-digest': other },
      `reg.io sent something else for a/b@${other}: expected ${other}, got ${digest}`,
    ],
    [
      'in the header',
      '1',
      { 'docker-content-digest': other },
      `reg.io named another digest for a/b:1: expected ${other}, got ${digest}`,
    ],
  ])('%s has to be that of the bytes', async (_, identifier, headers, message) => {
    const { content, seen } = fetch(identifier, { headers }, { headers })
    await expect(content).rejects.toMatchObject({ code: 'INTEGRITY', message })
    expect(seen).toHaveLength(2)
  })

  test.each<[string, string, Answer]>([
    ['in the header', '1', { headers: { 'docker-content-digest': other } }],
    ['asked for', digest, { body: 'something else' }],
    ['unknown, of what is no JSON', '1', { body: bytes.subarray(0, 20) }],
  ])('%s that is wrong once is a bad moment: asked once more', async (_, identifier, answer) => {
    const { content, seen, told } = fetch(identifier, answer)
    expect((await content).digest).toBe(digest)
    expect(seen).toHaveLength(2)
    expect(told).toEqual([expect.stringMatching(/^a\/b[:@].* \(1\/1\)$/)])
  })

  test('of what is no JSON, and says that it is so, is that of something that will not change', async () => {
    const body = 'no manifest at all'
    const { content, seen } = fetch('1', { body, headers: { 'docker-content-digest': digestOf(body) } })
    expect((await content).bytes).toEqual(Buffer.from(body))
    expect(seen).toHaveLength(1)
  })

  test('of what is no JSON is not asked for for ever', async () => {
    const { content, seen } = fetch('1', { body: '{' }, { body: '{' }, {})
    await expect(content).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: 'reg.io/a/b:1: the manifest is not valid JSON',
    })
    expect(seen).toHaveLength(2)
  })
})

describe('a content coding', () => {
  const coded = gzipSync(bytes)

  test.each<[string, string, HttpResponse['headers']]>([
    ['for a tag', '1', {}],
    ['for a digest', digest, {}],
    ['with the digest in a header', '1', { 'docker-content-digest': digest }],
  ])('of gzip is undone: %s', async (_, identifier, headers) => {
    const answer = { body: coded, headers: { 'content-encoding': 'gzip', ...headers } }
    expect((await fetch(identifier, answer).content).bytes).toEqual(bytes)
  })

  test.each([digest, '1'])('that is not there does no harm (%s)', async (identifier) => {
    expect((await fetch(identifier, { headers: { 'content-encoding': 'gzip' } }).content).bytes).toEqual(
      bytes,
    )
  })

  test.each([
    ['br', brotliCompressSync(bytes)],
    ['gzip, gzip', gzipSync(coded)],
  ])('of %s is refused', async (coding, body) => {
    const { content } = fetch('1', { body, headers: { 'content-encoding': coding } })
    await expect(content).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringContaining(coding) })
  })

  test('does not get past the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(5 * 1024 * 1024))
    const { content } = fetch('1', { body: bomb, headers: { 'content-encoding': 'gzip' } })
    await expect(content).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('the size', () => {
  test('may be 4 MiB', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024, ' ').fill('{}', 0, 2)
    expect((await fetch('1', { body }).content).bytes).toHaveLength(4 * 1024 * 1024)
  })

  test('may not be more, and what is more is not read', async () => {
    let sent = 0
    const body = new Readable({
      read() {
        sent += 65_536
        this.push(Buffer.alloc(65_536, ' '))
      },
    })
    await expect(fetch('1', { body }).content).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'the manifest of a/b:1 from reg.io is larger than 4 MiB',
    })
    expect(sent).toBeLessThan(5 * 1024 * 1024)
  })
})

test('a web page in place of a manifest is told as such', async () => {
  const body = '<!doctype html><title>Company login</title>'
  await expect(fetch(digest, { body }).content).rejects.toMatchObject({
    code: 'NETWORK',
    message: `got a web page (title: Company login) instead of registry data from reg.io when asked for a/b@${digest}`,
  })
})

test('a status is told as what it means', async () => {
  const body = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
  await expect(fetch('1', { status: 404, body }).content).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'reg.io has no a/b:1 (MANIFEST_UNKNOWN: manifest unknown)',
  })
})

describe('a body that breaks off', () => {
  const broken = () => ({
    via: new URL('http://proxy.corp:9000'),
    body: new Readable({
      read() {
        this.push('{"schema')
        this.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
      },
    }),
  })

  test('is asked for again', async () => {
    const { content, seen } = fetch('1', broken(), broken(), {})
    expect((await content).digest).toBe(digest)
    expect(seen).toHaveLength(3)
  })

  test('is given up in the end', async () => {
    const { content, seen } = fetch('1', broken(), broken(), broken(), {})
    await expect(content).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('the registry reg.io (through the proxy proxy.corp:9000) closed'),
    })
    expect(seen).toHaveLength(3)
  })
})
