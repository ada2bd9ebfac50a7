import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import type { HttpResponse } from '../../../src/http/transport.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { fetchBlob } from '../../../src/registry/fetch-blob.ts'

const blob = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))
const descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digestOf(blob),
  size: blob.length,
}
const what = `blob ${descriptor.digest.slice(7, 19)} of a/b`

interface Answer {
  readonly status?: number
  readonly headers?: HttpResponse['headers']
  readonly body?: Uint8Array | string
  /** Breaks off after the body. */
  readonly cut?: boolean
  /** Where the registry redirected to. */
  readonly url?: string
}

/** The blob from an offset on, gives answers one after another; `asked` has the range and If-Range of each request. */
function fetch(from: number, ...answers: Answer[]) {
  const asked: string[] = []
  const bodies: Readable[] = []
  const stream = fetchBlob(
    {
      registry: 'reg.io',
      root: new URL('https://reg.io/v2/'),
      name: 'a/b',
      login: { found: () => undefined, problem: () => undefined },
      tries: { retries: 2, sleep: async () => {} },
      get: async ({ path, headers = {}, purpose }) => {
        expect([path, purpose]).toEqual([`blobs/${descriptor.digest}`, 'blob'])
        const answer = answers[asked.push([headers.range, headers['if-range']].filter(Boolean).join(' ')) - 1]
        if (!answer) throw new Error(`asked too often: ${asked.join('; ')}`)
        const { status = 200, headers: answered = {}, url = `https://reg.io/v2/a/b/${path}` } = answer
        const body = bodyOf(answer)
        bodies.push(body)
        return { status, headers: answered, body, url: new URL(url) }
      },
    },
    descriptor,
    from,
    new AbortController().signal,
  )
  const content = stream.then((body) => buffer(body))
  content.catch(() => {})
  return { content, asked, bodies }
}

function bodyOf({ body = blob, cut = false }: Answer): Readable {
  const rest = [Buffer.from(body)]
  return new Readable({
    read() {
      const next = rest.pop()
      if (next && next.length > 0) this.push(next)
      else if (cut) this.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
      else this.push(null)
    },
  })
}

const part = (from: number, range = `bytes ${from}-999/1000`): Answer => ({
  status: 206,
  headers: { 'content-range': range },
  body: blob.subarray(from),
})

describe('a blob', () => {
  test('is fetched without a range from its beginning', async () => {
    const { content, asked } = fetch(0, { headers: { 'content-length': '1000' } })
    expect(await content).toEqual(blob)
    expect(asked).toEqual([''])
  })

  test('goes on from an offset', async () => {
    const { content, asked } = fetch(400, part(400))
    expect(await content).toEqual(blob.subarray(400))
    expect(asked).toEqual(['bytes=400-'])
  })

  test.each([1000, 1001])('of which nothing is missing (at %i) costs no request', async (from) => {
    const { content, asked } = fetch(from)
    expect(await content).toHaveLength(0)
    expect(asked).toEqual([])
  })

  test('that breaks off goes on, if it is still the same', async () => {
    const { content, asked } = fetch(
      0,
      { body: blob.subarray(0, 400), cut: true, headers: { etag: '"v1"' } },
      part(400),
    )
    expect(await content).toEqual(blob)
    expect(asked).toEqual(['', 'bytes=400- "v1"'])
  })

  test.each(['W/"v1"', 'v1', '"a"b"', ''])(
    'is not compared by an ETag that is not strong: %s',
    async (etag) => {
      const { content, asked } = fetch(
        0,
        { body: blob.subarray(0, 400), cut: true, headers: { etag } },
        part(400),
      )
      await content
      expect(asked).toEqual(['', 'bytes=400-'])
    },
  )
})

describe('a range', () => {
  test.each<[string, Answer]>([
    ['with its total unknown', part(400, 'bytes 400-999/*')],
    [
      'without its end, which is fetched afterwards',
      { ...part(400, 'bytes 400-699/1000'), body: blob.subarray(400, 700) },
    ],
  ])('is taken %s', async (_, answer) => {
    const { content } = fetch(400, answer, part(700))
    expect(await content).toEqual(blob.subarray(400))
  })

  test('that is ignored has the known bytes skipped', async () => {
    const { content, asked } = fetch(400, { headers: { 'content-length': '1000' } })
    expect(await content).toEqual(blob.subarray(400))
    expect(asked).toEqual(['bytes=400-'])
  })

  test.each<[string, Answer]>([
    ['is another one', part(399)],
    ['has no Content-Range', { status: 206, body: blob.subarray(400) }],
    ['comes in parts', { status: 206, headers: { 'content-type': 'multipart/byteranges; boundary=x' } }],
    ['belongs to a blob of another size', part(400, 'bytes 400-999/2000')],
    ['goes beyond the end', part(400, 'bytes 400-1000/*')],
    [
      'is coded',
      {
        ...part(400, 'bytes 400-999/*'),
        headers: { 'content-range': 'bytes 400-999/*', 'content-encoding': 'gzip' },
      },
    ],
    ['cannot be had', { status: 416, headers: { 'content-range': 'bytes */1000' } }],
    ['meets a condition that was never made', { status: 412 }],
    [
      'has another length than it says',
      {
        ...part(400, 'bytes 400-999/1000'),
        headers: { 'content-range': 'bytes 400-999/1000', 'content-length': '480' },
      },
    ],
  ])('that %s is answered by asking for the whole blob', async (_, answer) => {
    const { content, asked, bodies } = fetch(400, answer, {})
    expect(await content).toEqual(blob.subarray(400))
    expect(asked).toEqual(['bytes=400-', ''])
    expect(bodies[0]?.destroyed || bodies[0]?.readableEnded).toBe(true)
  })

  test('that cannot be had twice is an error', async () => {
    const { content } = fetch(400, { status: 416 }, { status: 416 })
    await expect(content).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringContaining('416') })
  })
})

describe('a 403', () => {
  test('from where the registry sent us has the registry asked again', async () => {
    const { content, asked } = fetch(
      0,
      { status: 403, url: 'https://cdn.io/blob?expired' },
      { url: 'https://cdn.io/blob?fresh' },
    )
    expect(await content).toEqual(blob)
    expect(asked).toHaveLength(2)
  })

  test('from there again is told, with the host', async () => {
    const cdn: Answer = {
      status: 403,
      url: 'https://cdn.io/blob?x',
      body: '<Error><Message>Expired</Message></Error>',
    }
    const { content } = fetch(0, cdn, cdn)
    await expect(content).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/^cdn\.io \(for reg\.io\) refused blob/),
    })
  })

  test('from the registry is told at once', async () => {
    const { content, asked } = fetch(0, { status: 403 })
    await expect(content).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(asked).toHaveLength(1)
  })
})

describe('a length other than the promised one', () => {
  test.each(['999', '1001', '0'])('(%s) fails before a byte is taken', async (length) => {
    const { content, asked } = fetch(0, { headers: { 'content-length': length } })
    await expect(content).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: `reg.io has ${length} bytes for ${what}; the manifest promises 1000`,
    })
    expect(asked).toHaveLength(1)
  })

  test('that is not declared fails when it is exceeded', async () => {
    const { content } = fetch(0, { body: Buffer.alloc(1001) })
    await expect(content).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('longer'),
    })
  })

  test.each<[string, HttpResponse['headers']]>([
    ['by its type', { 'content-type': 'text/html; charset=utf-8' }],
    ['by its look', { 'content-type': 'application/octet-stream', 'content-length': '44' }],
  ])('is told as a web page where it is one: %s', async (_, headers) => {
    const { content } = fetch(0, { headers, body: '<!doctype html><title>Company login</title>' })
    await expect(content).rejects.toMatchObject({
      code: 'NETWORK',
      message: `got a web page (title: Company login) instead of registry data from reg.io when asked for ${what}`,
    })
  })

  test('is no web page for its type alone', async () => {
    const headers = { 'content-type': 'text/html', 'content-length': '1000' }
    expect(await fetch(0, { headers }).content).toEqual(blob)
  })
})

describe('a content coding', () => {
  const coded = gzipSync(blob)

  test.each<[string, HttpResponse['headers']]>([
    ['with its length', { 'content-length': String(coded.length) }],
    ['without a length', {}],
  ])('of gzip is undone: %s', async (_, headers) => {
    const { content } = fetch(0, { body: coded, headers: { ...headers, 'content-encoding': 'gzip' } })
    expect(await content).toEqual(blob)
  })

  test('is undone from the start when the blob goes on', async () => {
    const whole: Answer = { body: coded, headers: { 'content-encoding': 'gzip' } }
    const { content } = fetch(400, whole)
    expect(await content).toEqual(blob.subarray(400))
  })

  test('that storage only claims is not undone', async () => {
    const { content } = fetch(0, { headers: { 'content-length': '1000', 'content-encoding': 'gzip' } })
    expect(await content).toEqual(blob)
  })

  test('that storage only claims does not hinder a range', async () => {
    const { headers, ...rest } = part(400)
    const { content, asked } = fetch(400, { ...rest, headers: { ...headers, 'content-encoding': 'gzip' } })
    expect(await content).toEqual(blob.subarray(400))
    expect(asked).toHaveLength(1)
  })

  test.each(['br', 'gzip, gzip'])('of %s is refused', async (coding) => {
    const { content, bodies } = fetch(0, { headers: { 'content-encoding': coding } })
    await expect(content).rejects.toMatchObject({ code: 'NETWORK' })
    await vi.waitFor(() => expect(bodies[0]?.destroyed).toBe(true))
  })
})
