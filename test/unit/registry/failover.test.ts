import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Credential, CredentialSource } from '../../../src/auth/credential.ts'
import { DrayError } from '../../../src/errors.ts'
import type { RequestInfo } from '../../../src/http/trace.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { Endpoint } from '../../../src/registry/endpoint.ts'
import { readBlob } from '../../../src/registry/read-blob.ts'
import { createRegistryClient, type RegistryClientOptions } from '../../../src/registry/registry-client.ts'

const signal = new AbortController().signal
const blob = Buffer.from('a blob that has some length')
const descriptor = { mediaType: 'x', digest: digestOf(blob), size: blob.length }
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('c'), size: 1 },
    layers: [],
  }),
)
const manifestType = 'application/vnd.oci.image.manifest.v1+json'

interface Answer {
  readonly status?: number
  readonly headers?: HttpResponse['headers']
  readonly body?: Buffer
}

/** What a registry answers that has the manifest and the blob. */
const healthy = ({ url, headers = {} }: HttpRequest): Answer => {
  if (url.pathname.includes('/manifests/'))
    return { body: manifest, headers: { 'content-type': manifestType } }
  const from = Number(/\d+/.exec(headers.range ?? '0'))
  if (from === 0) return { body: blob }
  const range = `bytes ${from}-${blob.length - 1}/${blob.length}`
  return { status: 206, headers: { 'content-range': range }, body: blob.subarray(from) }
}

const missing = (): Answer => ({ status: 404, body: Buffer.from('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}') })
const refused = (): never => {
  throw new DrayError('NETWORK', 'refused', {
    cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
  })
}
const noTls = (): never => {
  throw new DrayError('TLS', 'no TLS', {
    cause: Object.assign(new Error(), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }),
  })
}

/** `app` of reg.io, served by these endpoints; `seen` has the URLs of the requests. */
function setUp(
  origins: Readonly<Record<string, (request: HttpRequest) => Answer>>,
  endpoints: readonly (Partial<Omit<Endpoint, 'root' | 'withoutTls'>> & {
    readonly root: string
    readonly withoutTls?: string
  })[],
  options: Partial<RegistryClientOptions> = {},
) {
  const seen: string[] = []
  const requests: HttpRequest[] = []
  const warnings: string[] = []
  const notes: string[] = []
  const traced: RequestInfo[] = []
  const transport: Transport = async (request) => {
    seen.push(request.url.href)
    requests.push(request)
    const {
      status = 200,
      headers = {},
      body = Buffer.from('{}'),
    } = origins[request.url.origin]?.(request) ?? { status: 404 }
    return { status, headers, body: Readable.from([body], { objectMode: false }), url: request.url }
  }
  const open = createRegistryClient({
    transport,
    retries: 0,
    onWarning: (message) => warnings.push(message),
    onNote: (message) => notes.push(message),
    onRequest: (info) => traced.push(info),
    ...options,
  })
  const openApp = (repository = 'app') =>
    open({
      registry: 'reg.io',
      repository,
      endpoints: endpoints.map(({ root, withoutTls, ...endpoint }) => ({
        registry: new URL(root).host,
        repository,
        ...endpoint,
        root: new URL(root),
        ...(withoutTls !== undefined && { withoutTls: new URL(withoutTls) }),
      })),
    })
  return { openApp, seen, requests, warnings, notes, traced }
}

const mirror = { root: 'https://m.io/v2/', source: 'mirrors.conf' }
const own = { root: 'https://reg.io/v2/' }
const hosts = (urls: readonly string[]) => urls.map((url) => new URL(url).host)

describe('an endpoint', () => {
  test.each<['tags' | 'digests', string[]]>([
    ['tags', ['m.io', 'reg.io', 'reg.io']],
    ['digests', ['reg.io', 'm.io', 'm.io']],
  ])('that serves %s is asked for nothing else', async (serves, expected) => {
    const { openApp, seen } = setUp({ 'https://m.io': healthy, 'https://reg.io': healthy }, [
      { ...mirror, serves },
      own,
    ])
    const repository = openApp()
    await repository.fetchManifest('1', signal)
    await repository.fetchManifest(digestOf(manifest), signal)
    await buffer(await repository.fetchBlob(descriptor, 0, signal))
    expect(hosts(seen)).toEqual(expected)
  })

  test('is missing where none may be asked', async () => {
    const { openApp, seen } = setUp({}, [
      { ...mirror, serves: 'digests' },
      { ...own, serves: 'digests' },
    ])
    await expect(openApp().fetchManifest('1', signal)).rejects.toMatchObject({ code: 'POLICY' })
    expect(seen).toEqual([])
  })

  test('may know the repository by another name, under another root, for a registry that it is told', async () => {
    const { openApp, seen } = setUp({ 'https://m.io': healthy }, [
      { ...mirror, root: 'https://m.io/api/', repository: 'hub/app', namespace: 'reg.io' },
    ])
    await openApp().fetchManifest('1', signal)
    expect(seen).toEqual(['https://m.io/api/hub/app/manifests/1?ns=reg.io'])
  })

  test('that answers for its registry by another of its names is believed', async () => {
    const answer = (request: HttpRequest) => {
      const { headers, ...rest } = healthy(request)
      return { ...rest, headers: { ...headers, 'oci-namespace': 'registry-1.docker.io' } }
    }
    const { openApp, seen } = setUp({ 'https://m.io': answer }, [{ ...mirror, namespace: 'docker.io' }, own])
    await openApp().fetchManifest('1', signal)
    expect(hosts(seen)).toEqual(['m.io'])
  })

  test('has headers of its own, which neither follow a redirect nor show in a trace', async () => {
    const toCdn = ({ url }: HttpRequest): Answer => ({
      status: 307,
      headers: { location: `https://cdn.io${url.pathname}` },
    })
    const { openApp, requests, traced } = setUp({ 'https://m.io': toCdn, 'https://cdn.io': healthy }, [
      { ...mirror, headers: { 'X-Gate': 'open sesame' } },
    ])
    await buffer(await openApp().fetchBlob(descriptor, 0, signal))
    expect(requests.map(({ url, headers }) => [url.host, headers?.['x-gate']])).toEqual([
      ['m.io', 'open sesame'],
      ['cdn.io', undefined],
    ])
    expect(JSON.stringify(traced)).not.toContain('sesame')
  })

  test('keeps its headers for itself where TLS is missing, unless it is to be insecure', async () => {
    const headers = { 'x-gate': 'open sesame' }
    const withoutTls = 'http://m.io/v2/'
    const sent = async (tls: Endpoint['tls']) => {
      const { openApp, requests } = setUp({ 'https://m.io': noTls, 'http://m.io': healthy }, [
        { ...mirror, headers, withoutTls, ...(tls && { tls }) },
      ])
      await openApp().fetchManifest('1', signal)
      return requests.at(-1)?.headers?.['x-gate']
    }
    expect([await sent(undefined), await sent({ insecure: true })]).toEqual([undefined, 'open sesame'])
  })

  test('is named together with who named it', async () => {
    const { openApp, notes } = setUp({ 'https://m.io': healthy }, [mirror, own])
    openApp()
    openApp()
    expect(notes).toEqual(['reg.io/app is served by m.io, as mirrors.conf says'])
  })
})

describe('without TLS', () => {
  const withoutTls = 'http://m.io/v2/'
  test.each<[string, () => never, boolean, string]>([
    ['an endpoint that speaks none', noTls, false, 'http:'],
    ['an insecure endpoint that speaks none', noTls, true, 'http:'],
    ['an insecure endpoint that refuses', refused, true, 'http:'],
    ['an endpoint that refuses', refused, false, 'https:'],
  ])('%s is asked over http where that is allowed, for good', async (_, fail, insecure, expected) => {
    const { openApp, seen } = setUp({ 'https://m.io': fail, 'http://m.io': healthy }, [
      { ...mirror, withoutTls, tls: { insecure } },
    ])
    const repository = openApp()
    await repository.fetchManifest('1', signal).catch(() => {})
    await repository.fetchManifest('2', signal).catch(() => {})
    const asked = seen.map((url) => new URL(url).protocol)
    expect(asked).toEqual(['https:', expected, ...(expected === 'http:' ? ['http:'] : [])])
  })

  test('an endpoint is never asked that has spoken TLS before', async () => {
    let answers = 0
    const { openApp, seen } = setUp(
      {
        'https://m.io': (request) => (answers++ === 0 ? healthy(request) : refused()),
        'http://m.io': healthy,
      },
      [{ ...mirror, withoutTls, tls: { insecure: true } }],
    )
    const repository = openApp()
    await repository.fetchManifest('1', signal)
    await expect(repository.fetchManifest('2', signal)).rejects.toMatchObject({ code: 'NETWORK' })
    expect(seen.filter((url) => url.startsWith('http:'))).toEqual([])
  })

  test('an endpoint is never asked that has asked for a login over TLS: it is the token server that speaks none', async () => {
    const challenge = { 'www-authenticate': 'Bearer realm="https://auth.io/token"' }
    const { openApp, seen } = setUp(
      {
        'https://m.io': () => ({ status: 401, headers: challenge }),
        'https://auth.io': noTls,
        'http://m.io': healthy,
      },
      [{ ...mirror, withoutTls, tls: { insecure: true } }],
    )
    await expect(openApp().fetchManifest('1', signal)).rejects.toMatchObject({ code: 'TLS' })
    expect(seen.filter((url) => url.startsWith('http:'))).toEqual([])
  })

  test.each<[string, boolean]>([
    ['http://m.io/v2/', true],
    ['https://m.io/v2/', false],
  ])('credentials go to %s, with a warning that they can be read: %s', async (root, warned) => {
    const login = ({ headers }: HttpRequest): Answer =>
      headers?.authorization
        ? { body: manifest, headers: { 'content-type': manifestType } }
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    const me: Credential = { kind: 'basic', username: 'me', password: 'hunter2', from: 'config.json' }
    const { openApp, warnings, notes } = setUp({ [new URL(root).origin]: login }, [{ ...mirror, root }], {
      credentials: { find: async () => me },
    })
    await openApp().fetchManifest('1', signal)
    await openApp('other').fetchManifest('1', signal)
    expect(warnings).toEqual(
      warned ? ['the credentials for m.io go over plain http, where anyone on the way can read them'] : [],
    )
    expect(notes).toContain('credentials for m.io come from config.json')
    expect(notes.filter((note) => note.includes('config.json'))).toHaveLength(1)
  })
})

describe('a credential helper that is broken', () => {
  const broken = {
    find: () => Promise.reject(new DrayError('UNAUTHORIZED', 'the helper x failed: exit 1')),
  }
  const lockedHelper = new DrayError('UNAUTHORIZED', 'the helper x failed: exit 1', {
    hint: 'repair x, which config.json names',
  })
  const challenge = { 'www-authenticate': 'Basic realm="x"' }

  test('is told once, and does not keep a public image away', async () => {
    const wantsLogin = () => ({ status: 401, headers: challenge })
    const { openApp, warnings } = setUp(
      { 'https://m.io': wantsLogin, 'https://reg.io': healthy },
      [mirror, own],
      { credentials: broken },
    )
    await openApp().fetchManifest('1', signal)
    await openApp('other').fetchManifest('1', signal)
    expect(warnings).toEqual([
      'the helper x failed: exit 1; going on without credentials for m.io',
      expect.stringMatching(/^the mirror m\.io refused app:1/),
    ])
  })

  test('explains why an image is refused', async () => {
    const { openApp } = setUp({ 'https://reg.io': () => ({ status: 401, headers: challenge }) }, [own], {
      credentials: broken,
    })
    const problem = await openApp()
      .fetchManifest('1', signal)
      .catch((error: unknown) => error as DrayError)
    expect(problem).toMatchObject({ code: 'UNAUTHORIZED' })
    const { message, hint } = problem as DrayError
    expect(`${message} ${hint}`.match(/the helper x failed: exit 1/g)).toHaveLength(1)
  })

  test.each<[string, boolean, CredentialSource['find']]>([
    ['that is broken, whose words have been told', true, () => Promise.reject(lockedHelper)],
    [
      'that was passed over, where there is no other login',
      true,
      async (_registry, _repository, onProblem) => void onProblem?.(lockedHelper),
    ],
    [
      'that was passed over for another login',
      false,
      async (_registry, _repository, onProblem) => {
        onProblem?.(lockedHelper)
        return { kind: 'basic', username: 'me', password: 'pw' }
      },
    ],
  ])('is to be repaired, says the refusal: one %s (%s)', async (_, isTold, find) => {
    const refuse = () => ({ status: 401, headers: challenge })
    const { openApp } = setUp({ 'https://reg.io': refuse }, [own], { credentials: { find } })
    const problem = await openApp()
      .fetchManifest('1', signal)
      .catch((error: unknown) => error as DrayError)
    const { message, hint = '' } = problem as DrayError
    expect(hint.endsWith('if it is private, repair x, which config.json names')).toBe(isTold)
    expect(`${message} ${hint}`).not.toContain('exit 1')
  })
})

describe('an endpoint that has failed', () => {
  const blobs = async (repository: ReturnType<ReturnType<typeof setUp>['openApp']>, count: number) => {
    for (let i = 0; i < count; i++) await buffer(await repository.fetchBlob(descriptor, 0, signal))
  }

  test.each<[string, (request: HttpRequest) => Answer, number]>([
    ['did not answer', refused, 1],
    ['answered 500', () => ({ status: 500 }), 1],
    ['refused', () => ({ status: 403 }), 1],
    ['had nothing, twice', missing, 2],
  ])('is asked last from then on: one that %s', async (_, fail, times) => {
    const { openApp, seen } = setUp({ 'https://m.io': fail, 'https://reg.io': healthy }, [mirror, own])
    const repository = openApp()
    await repository.fetchManifest('1', signal)
    await blobs(repository, 3)
    expect(hosts(seen).filter((host) => host === 'm.io')).toHaveLength(times)
  })

  test('to answer is not asked for other repositories either; one that had nothing is', async () => {
    const count = async (fail: (request: HttpRequest) => Answer) => {
      const { openApp, seen } = setUp({ 'https://m.io': fail, 'https://reg.io': healthy }, [mirror, own])
      await openApp('a').fetchManifest('1', signal)
      await openApp('b').fetchManifest('1', signal)
      return hosts(seen).filter((host) => host === 'm.io').length
    }
    expect([await count(refused), await count(missing)]).toEqual([1, 2])
  })

  test('is still there when the registry fails', async () => {
    let answers = 0
    const flaky = (request: HttpRequest) => (answers++ === 0 ? { status: 500 } : healthy(request))
    let asked = 0
    const dying = (request: HttpRequest) => (asked++ === 0 ? healthy(request) : { status: 500 })
    const { openApp, seen } = setUp({ 'https://m.io': flaky, 'https://reg.io': dying }, [mirror, own])
    const repository = openApp()
    await repository.fetchManifest('1', signal)
    expect(await buffer(await repository.fetchBlob(descriptor, 0, signal))).toEqual(blob)
    expect(hosts(seen)).toEqual(['m.io', 'reg.io', 'reg.io', 'm.io'])
  })

  test('gets one more try at most, the registry as many as there may be', async () => {
    const { openApp, seen } = setUp(
      { 'https://m.io': () => ({ status: 503 }), 'https://reg.io': () => ({ status: 503 }) },
      [mirror, own],
      { retries: 2 },
    )
    await expect(openApp().fetchManifest('1', signal)).rejects.toMatchObject({ code: 'NETWORK' })
    expect(hosts(seen)).toEqual(['m.io', 'm.io', 'reg.io', 'reg.io', 'reg.io'])
  })

  test('is told of in one line in the error of the registry', async () => {
    const { openApp } = setUp(
      { 'https://m.io': refused, 'https://n.io': missing, 'https://reg.io': missing },
      [mirror, { ...mirror, root: 'https://n.io/v2/' }, own],
    )
    const problem = await openApp()
      .fetchManifest('1', signal)
      .catch((error: unknown) => error as DrayError)
    expect(problem).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/^reg\.io has no app:1/),
    })
    expect((problem as DrayError).hint?.split('\n').slice(1)).toEqual([
      'the mirror m.io: refused',
      expect.stringMatching(/^the mirror n\.io has no app:1/),
    ])
  })

  test('is named in place of its host, and of no other host that ends or begins like it', async () => {
    const stop = () => {
      throw new DrayError('NETWORK', 'the server cdn.m.io is down (m.io redirected there)')
    }
    const { openApp, warnings } = setUp({ 'https://m.io': stop, 'https://reg.io': healthy }, [mirror, own])
    await openApp().fetchManifest('1', signal)
    expect(warnings).toEqual([
      'the server cdn.m.io is down (the mirror m.io redirected there); going on with reg.io',
    ])
  })

  test('to answer is not asked by its other name in the same breath', async () => {
    const { openApp, seen } = setUp({ 'https://m.io': refused, 'https://reg.io': missing }, [
      mirror,
      { ...mirror, root: 'https://m.io/prefix/v2/' },
      own,
    ])
    await expect(openApp().fetchManifest('1', signal)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(hosts(seen)).toEqual(['m.io', 'reg.io'])
  })

  test('because of a bug hides nothing', async () => {
    const bug = () => {
      throw new TypeError('a bug')
    }
    const { openApp, seen } = setUp({ 'https://m.io': bug, 'https://reg.io': healthy }, [mirror, own])
    await expect(openApp().fetchManifest('1', signal)).rejects.toThrow('a bug')
    expect(hosts(seen)).toEqual(['m.io'])
  })
})

describe('wrong bytes', () => {
  const wrong = Buffer.alloc(blob.length, 1)
  const lying = (request: HttpRequest) => ({ ...healthy(request), body: wrong })

  test('are fetched elsewhere, until there is no one else', async () => {
    const { openApp, seen } = setUp(
      { 'https://m.io': lying, 'https://n.io': lying, 'https://reg.io': healthy },
      [mirror, { ...mirror, root: 'https://n.io/v2/' }, own],
    )
    expect(await readBlob(openApp(), descriptor, { limit: 1000, signal })).toEqual(blob)
    expect(hosts(seen)).toEqual(['m.io', 'n.io', 'reg.io'])
  })

  test('from everyone are an error', async () => {
    const { openApp, seen } = setUp({ 'https://m.io': lying, 'https://reg.io': lying }, [mirror, own])
    const read = readBlob(openApp(), descriptor, { limit: 1000, signal })
    await expect(read).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(hosts(seen)).toEqual(['m.io', 'reg.io', 'reg.io'])
  })

  test('from the only endpoint are fetched once more, for a cache on the way may have had a bad moment', async () => {
    let count = 0
    const lyingOnce = (request: HttpRequest) => (++count === 1 ? lying(request) : healthy(request))
    const { openApp, seen } = setUp({ 'https://reg.io': lyingOnce }, [own])
    expect(await readBlob(openApp(), descriptor, { limit: 1000, signal })).toEqual(blob)
    expect(seen).toHaveLength(2)
  })

  test('from the only endpoint, again and again, leave no one to ask', async () => {
    const { openApp, seen } = setUp({ 'https://reg.io': lying }, [own])
    const read = readBlob(openApp(), descriptor, { limit: 1000, signal })
    await expect(read).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(seen).toHaveLength(2)
  })

  test('that two sent are blamed on the mirror', async () => {
    const half = blob.length >> 1
    const cut = () => ({ body: wrong.subarray(0, half) })
    const { openApp, seen, warnings } = setUp({ 'https://m.io': cut, 'https://reg.io': healthy }, [
      mirror,
      own,
    ])
    expect(await readBlob(openApp(), descriptor, { limit: 1000, signal })).toEqual(blob)
    expect(hosts(seen)).toEqual(['m.io', 'reg.io', 'reg.io'])
    expect(warnings.at(-1)).toMatch(/^the mirror m\.io sent wrong bytes/)
  })

  test('do not bar the mirror from other blobs', async () => {
    const other = { ...descriptor, digest: digestOf('other') }
    const { openApp, seen } = setUp({ 'https://m.io': lying, 'https://reg.io': healthy }, [mirror, own])
    const repository = openApp()
    await readBlob(repository, descriptor, { limit: 1000, signal })
    await buffer(await repository.fetchBlob(other, 0, signal))
    expect(hosts(seen)).toEqual(['m.io', 'reg.io', 'm.io'])
  })
})

test('of a blob that is there already nobody is asked', async () => {
  const { openApp, seen } = setUp({}, [mirror, own])
  expect(await buffer(await openApp().fetchBlob(descriptor, blob.length, signal))).toHaveLength(0)
  expect(seen).toEqual([])
})
