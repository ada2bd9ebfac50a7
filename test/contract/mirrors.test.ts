import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PullEvent } from '../../src/events.ts'
import {
  addImage,
  type BuiltImage,
  buildImage,
  buildLayer,
  createContent,
  type RegistryContent,
} from '../support/image-builder.ts'
import { pathsSeen, pullFrom, serveDuringTest } from '../support/pull-from.ts'
import {
  basic,
  rangeStart,
  registry,
  withBasicAuth,
  withCutBlobs,
  withTokenAuth,
} from '../support/registry.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const size = 2 * 1024 * 1024

/** A registry and what it holds: an image of three layers. */
async function setUp() {
  const content = createContent()
  const layers = await Promise.all(
    ['a', 'b', 'c'].map((name) => buildLayer({ [name]: randomBytes(name === 'a' ? size : 10) })),
  )
  const image = buildImage({ layers })
  addImage(content, image, 'app:1')
  const origin = await serveDuringTest(registry(content))
  const pullBy = (...mirrors: readonly string[]) =>
    pullFrom(origin, 'app:1', { mirrors: mirrors.map((url) => `${origin.host}=${url}`) })
  return { content, image, origin, pullBy }
}

const everything = ({ configDigest, layers }: BuiltImage): readonly string[] => [
  'manifests/1',
  `blobs/${configDigest}`,
  ...layers.map(({ digest }) => `blobs/${digest}`),
]

/** What a server was asked for, below a path; without the query. */
function askedFor(server: TestServer, below: string): readonly string[] {
  return pathsSeen(server, below).map((url) => url.split(/[?]/)[0]?.replace(below, '') ?? '')
}

const warningsIn = (events: readonly PullEvent[]) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))

/** The same content with every byte of one blob turned over. */
const corrupted = (content: RegistryContent, digest: string): RegistryContent => {
  const blobs = new Map(content.blobs)
  blobs.set(digest, Buffer.from((blobs.get(digest) ?? Buffer.alloc(0)).map((byte) => byte ^ 0xff)))
  return { ...content, blobs }
}

/** What is asked for below a path, as if it were asked for below `/`. */
const below =
  (prefix: string, next: Handler, elsewhere: Handler): Handler =>
  (request, response) => {
    if (!request.url?.startsWith(prefix)) return elsewhere(request, response)
    request.url = request.url.replace(prefix, '/v2/')
    return next(request, response)
  }

const notFound: Handler = (_, response) => void response.writeHead(404).end('404 page not found')

describe('a mirror', () => {
  test('gives all there is, told whom it answers for; the image keeps its name', async () => {
    const { content, image, origin, pullBy } = await setUp()
    const mirror = await serveDuringTest(registry(content))

    const { result, events } = await pullBy(mirror.url)

    expect(origin.requests).toEqual([])
    expect([...askedFor(mirror, '/v2/app/')].sort()).toEqual([...everything(image)].sort())
    for (const url of pathsSeen(mirror)) expect(url).toContain(`?ns=${encodeURIComponent(origin.host)}`)
    expect(result.images[0]).toMatchObject({
      reference: `${origin.host}/app:1`,
      name: `${origin.host}/app:1`,
      digest: image.digest,
    })
    expect(warningsIn(events)).toEqual([])
  })

  test('of another registry is not asked', async () => {
    const { content, origin } = await setUp()
    const mirror = await serveDuringTest(registry(content))
    await pullFrom(origin, 'app:1', { mirrors: [mirror.url, `ghcr.io=${mirror.url}`] })
    expect(mirror.requests).toEqual([])
  })

  test('may stand under a path, as docker has it', async () => {
    const { content, image, origin, pullBy } = await setUp()
    const mirror = await serveDuringTest(below('/some/prefix/v2/', registry(content), notFound))

    await pullBy(`${mirror.url}/some/prefix/`)

    expect([...askedFor(mirror, '/some/prefix/v2/app/')].sort()).toEqual([...everything(image)].sort())
    expect(mirror.requests).toHaveLength(everything(image).length)
    expect(origin.requests).toEqual([])
  })

  test.each<[string, Handler]>([
    [
      'the web page of its portal',
      (_, response) => void response.end('<!doctype html><title>Harbor</title>'),
    ],
    ['404', notFound],
    ['401', (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()],
  ])(
    'may be a project of a proxy cache that says %s to the other form, which costs one request',
    async (_, portal) => {
      const { content, image, origin, pullBy } = await setUp()
      const mirror = await serveDuringTest(below('/v2/hub-proxy/', registry(content), portal))

      const { events } = await pullBy(`${mirror.url}/hub-proxy`)

      expect([...askedFor(mirror, '/v2/hub-proxy/app/')].sort()).toEqual([...everything(image)].sort())
      expect(pathsSeen(mirror).filter((url) => !url.startsWith('/v2/'))).toHaveLength(1)
      expect(origin.requests).toEqual([])
      expect(warningsIn(events)).toEqual([])
    },
  )

  test('may be named with its API in the path, which leaves nothing to guess', async () => {
    const { content, image, pullBy } = await setUp()
    const mirror = await serveDuringTest(below('/v2/hub-proxy/', registry(content), notFound))
    await pullBy(`${mirror.url}/v2/hub-proxy`)
    expect(mirror.requests).toHaveLength(everything(image).length)
  })
})

describe('when a mirror fails', () => {
  test.each<[string, number, Handler]>([
    ['has nothing (404)', 0, notFound],
    ['wants a login (401)', 1, withBasicAuth(notFound, 'u', 'p')],
    ['refuses (403)', 1, (_, response) => void response.writeHead(403).end()],
    ['is broken (500)', 1, (_, response) => void response.writeHead(500).end()],
    [
      'wants fewer requests, for a minute (429)',
      1,
      (_, response) => void response.writeHead(429, { 'retry-after': '60' }).end(),
    ],
    ['answers with a web page', 1, (_, response) => void response.end('<!doctype html><title>Hotel</title>')],
    [
      'answers with some other JSON',
      1,
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}'),
    ],
    ['hangs up', 1, (request) => void request.socket.destroy()],
  ])('the registry is asked: one that %s', async (_, warnings, handler) => {
    const { image, origin, pullBy } = await setUp()
    const mirror = await serveDuringTest(handler)

    const { result, events } = await pullBy(mirror.url)

    expect(result.images[0]?.digest).toBe(image.digest)
    expect([...askedFor(origin, '/v2/app/')].sort()).toEqual([...everything(image)].sort())
    expect(
      warningsIn(events).filter((message) => message.includes(`the mirror ${mirror.host}`)),
    ).toHaveLength(warnings)
    expect(mirror.requests.length).toBeLessThanOrEqual(everything(image).length)
  })

  test('the next mirror is asked before the registry', async () => {
    const { content, origin, pullBy } = await setUp()
    const [first, second] = [await serveDuringTest(notFound), await serveDuringTest(registry(content))]
    await pullBy(first.url, second.url)
    expect(pathsSeen(first)[0]).toContain('manifests/1')
    expect(origin.requests).toEqual([])
  })

  test('a manifest that is not what its digest says is fetched elsewhere', async () => {
    const { content, image, origin, pullBy } = await setUp()
    const other = buildImage({ layers: [await buildLayer({ evil: '1' })] })
    const mirror = await serveDuringTest((request, response) => {
      response.setHeader('docker-content-digest', image.digest)
      const { writeHead } = response
      response.writeHead = ((status: number, headers: Record<string, string>) =>
        writeHead.call(response, status, {
          ...headers,
          'docker-content-digest': image.digest,
        } as never)) as typeof response.writeHead
      const evil = createContent()
      addImage(evil, other, 'app:1')
      return registry(evil)(request, response)
    })

    const { result } = await pullBy(mirror.url)

    expect(result.images[0]?.digest).toBe(image.digest)
    expect(content.manifests.has(image.digest)).toBe(true)
    expect(askedFor(origin, '/v2/app/')).toContain('manifests/1')
  })

  test('one that answers for another registry is told by both names', async () => {
    const { content, image, origin, pullBy } = await setUp()
    const mirror = await serveDuringTest((request, response) => {
      response.setHeader('OCI-Namespace', 'quay.io')
      return registry(content)(request, response)
    })

    const { result, events } = await pullBy(mirror.url)

    expect(result.images[0]?.digest).toBe(image.digest)
    expect(warningsIn(events)).toEqual([
      `the mirror ${mirror.host} answers for quay.io, not for ${origin.host}; going on with ${origin.host}`,
    ])
  })

  test('in the middle of a blob, only the missing bytes are asked of the registry', async () => {
    const { content, image, origin, pullBy } = await setUp()
    const [big] = image.layers
    const half = Math.floor((big?.blob.length ?? 0) / 2)
    let opened = 0
    const cutting = withCutBlobs(
      registry(content),
      () => (opened++ === 0 ? half : 0),
      Number.POSITIVE_INFINITY,
    )
    const mirror = await serveDuringTest((request, response) =>
      request.url?.includes(big?.digest ?? '-')
        ? cutting(request, response)
        : registry(content)(request, response),
    )

    const { path, events } = await pullBy(mirror.url)

    const [rest, ...others] = origin.requests
    expect(rest?.url).toContain(big?.digest)
    expect(rangeStart(rest as never)).toBe(half)
    expect(others.filter(({ url }) => url === rest?.url)).toEqual([])
    expect((await readFile(path)).includes(big?.tar ?? '-')).toBe(true)
    expect(warningsIn(events)).toHaveLength(1)
  })

  test.each<[string, (image: BuiltImage) => string]>([
    ['layer', ({ layers }) => layers[0]?.digest ?? ''],
    ['config', ({ configDigest }) => configDigest],
  ])('a corrupt %s is fetched elsewhere, and the mirror is asked for it once', async (_, which) => {
    const { content, image, origin, pullBy } = await setUp()
    const digest = which(image)
    const mirror = await serveDuringTest(registry(corrupted(content, digest)))

    const { result, events } = await pullBy(mirror.url)

    expect(result.images[0]?.imageId).toBe(image.configDigest)
    expect(askedFor(origin, '/v2/app/')).toEqual([`blobs/${digest}`])
    expect(pathsSeen(mirror, digest)).toHaveLength(1)
    expect(warningsIn(events)).toEqual([
      expect.stringContaining(`the mirror ${mirror.host} sent wrong bytes`),
    ])
  })

  test('an old beginning that is wrong is not blamed on the mirror', async () => {
    const { content, image, origin } = await setUp()
    const digest = image.layers[0]?.digest ?? ''
    const mirror = await serveDuringTest(registry(content))
    const cache = temporaryDirectory()
    const directory = join(cache, 'blobs', 'sha256')
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, `${digest.slice(7)}.partial`), randomBytes(1000))

    await pullFrom(origin, 'app:1', { mirrors: [`${origin.host}=${mirror.url}`], cache })

    expect(pathsSeen(mirror, digest)).toHaveLength(2)
    expect(origin.requests).toEqual([])
  })

  test('a blob that is corrupt everywhere is an error', async () => {
    const { content, image } = await setUp()
    const bad = corrupted(content, image.layers[0]?.digest ?? '')
    const [origin, mirror] = [await serveDuringTest(registry(bad)), await serveDuringTest(registry(bad))]
    const pulled = pullFrom(origin, 'app:1', { mirrors: [`${origin.host}=${mirror.url}`] })
    await expect(pulled).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  test('where nothing listens, it is tried twice in the whole pull', async () => {
    const { pullBy, origin, image } = await setUp()
    const dead = await serveDuringTest(notFound)
    await dead.close()

    const { events } = await pullBy(`${dead.url}/prefix`)

    const tries = events.filter((event) => event.type === 'request' && event.url.startsWith(dead.url))
    expect(tries).toHaveLength(2)
    expect(warningsIn(events)).toEqual([
      expect.stringMatching(
        `^the mirror ${dead.host} refused the connection.*; going on with ${origin.host}$`,
      ),
    ])
    expect(askedFor(origin, '/v2/app/')).toHaveLength(everything(image).length)
  })

  test('and the registry too, the error is the registry’s and says what the mirror said', async () => {
    const dead = await serveDuringTest(notFound)
    await dead.close()
    const origin = await serveDuringTest(registry(createContent()))
    const pulled = pullFrom(origin, 'app:1', { mirrors: [`${origin.host}=${dead.url}`] })
    await expect(pulled).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`${origin.host} has no app:1`),
      hint: expect.stringContaining(`the mirror ${dead.host} refused the connection`),
    })
  })

  test('because the pull was cancelled, nobody else is asked', async () => {
    const { content, image, origin } = await setUp()
    const abort = new AbortController()
    const mirror = await serveDuringTest((request, response) => {
      if (!request.url?.includes(image.layers[0]?.digest ?? '-')) return registry(content)(request, response)
      response.writeHead(200, { 'content-length': image.layers[0]?.blob.length }).write('x')
      setTimeout(() => abort.abort(), 20)
    })
    const pulled = pullFrom(origin, 'app:1', {
      mirrors: [`${origin.host}=${mirror.url}`],
      signal: abort.signal,
    })
    await expect(pulled).rejects.toMatchObject({ code: 'ABORTED' })
    expect(origin.requests).toEqual([])
  })
})

describe('credentials', () => {
  const forRegistry = { kind: 'basic', username: 'registry', password: 'r' } as const
  const forMirror = { kind: 'basic', username: 'mirror', password: 'm' } as const
  const sentTo = (server: TestServer) =>
    new Set(server.requests.map(({ headers }) => headers.authorization).filter(Boolean))

  test('of the registry stay there, and those of the mirror at the mirror', async () => {
    const { content, image } = await setUp()
    const digest = image.layers[0]?.digest ?? ''
    const origin = await serveDuringTest(withBasicAuth(registry(content), 'registry', 'r'))
    const mirror = await serveDuringTest(withBasicAuth(registry(corrupted(content, digest)), 'mirror', 'm'))
    const asked: string[] = []

    await pullFrom(origin, 'app:1', {
      mirrors: [`${origin.host}=${mirror.url}`],
      credentials: {
        find: async (name) => {
          asked.push(name)
          return name === mirror.host ? forMirror : forRegistry
        },
      },
    })

    expect(sentTo(origin)).toEqual(new Set([basic('registry', 'r')]))
    expect(sentTo(mirror)).toEqual(new Set([basic('mirror', 'm')]))
    expect([...asked].sort()).toEqual([origin.host, mirror.host].sort())
  })

  test('of the registry are not for a mirror that asks for some', async () => {
    const { content } = await setUp()
    const origin = await serveDuringTest(withTokenAuth(registry(content)))
    const mirror = await serveDuringTest(withTokenAuth(registry(content), { user: forMirror }))

    await pullFrom(origin, 'app:1', {
      mirrors: [`${origin.host}=${mirror.url}`],
      credentials: { find: async (name) => (name === origin.host ? forRegistry : undefined) },
    })

    expect(sentTo(mirror)).toEqual(new Set())
    expect(sentTo(origin)).toContain(basic('registry', 'r'))
  })
})
