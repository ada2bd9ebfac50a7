import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Credential } from '../../../src/auth/credential.ts'
import { DrayError } from '../../../src/errors.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { defaultEndpoints } from '../../../src/registry/endpoint.ts'
import { createRegistryClient, type RegistryClientOptions } from '../../../src/registry/registry-client.ts'

const signal = new AbortController().signal
const blob = Buffer.from('a blob')
const descriptor = { mediaType: 'x', digest: digestOf(blob), size: blob.length }
const me: Credential = { kind: 'basic', username: 'me', password: 'pw' }

interface Answer {
  readonly status?: number
  readonly headers?: HttpResponse['headers']
  readonly body?: unknown
}

/** A client on a network whose origins are functions; `seen` has the requests, and the kind of their Authorization. */
function setUp(
  origins: Record<string, (request: HttpRequest) => Answer>,
  { plainHttp, ...options }: Partial<RegistryClientOptions> & { plainHttp?: boolean } = {},
) {
  const seen: string[] = []
  const transport: Transport = async (request) => {
    const { origin, pathname } = request.url
    seen.push(`${origin}${pathname} ${request.headers?.authorization?.split(' ')[0] ?? '-'}`)
    const { status = 200, headers = {}, body = '{}' } = origins[origin]?.(request) ?? { status: 599 }
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    return { status, headers, body: Readable.from([bytes], { objectMode: false }), url: request.url }
  }
  const openRoute = createRegistryClient({ transport, retries: 0, ...options })
  const open = (name: { readonly registry: string; readonly repository: string }) =>
    openRoute({ ...name, endpoints: defaultEndpoints(name, { plainHttp }) })
  return { open, seen }
}

const ask = (header: string): Answer => ({ status: 401, headers: { 'www-authenticate': header } })

/** A registry with tokens, which serves blobs from elsewhere. */
const tokenRegistry = (request: HttpRequest): Answer => {
  if (!request.headers?.authorization) return ask('Bearer realm="https://auth.io/token",service="s"')
  if (!request.url.pathname.includes('/blobs/')) return {}
  return { status: 307, headers: { location: `https://cdn.io${request.url.pathname}?sig=x` } }
}
const network = {
  'https://reg.io': tokenRegistry,
  'https://registry-1.docker.io': tokenRegistry,
  'https://auth.io': () => ({ body: { token: 'T' } }),
  'https://cdn.io': () => ({ body: blob }),
}

test('a pull asks in the right places, and says who it is only to the registry', async () => {
  const { open, seen } = setUp(network, { credentials: { find: async () => me } })
  const repository = open({ registry: 'docker.io', repository: 'library/nginx' })
  await repository.fetchManifest('latest', signal)
  expect(await buffer(await repository.fetchBlob(descriptor, 0, signal))).toEqual(blob)
  const path = `/v2/library/nginx/blobs/${descriptor.digest}`
  expect(seen).toEqual([
    'https://registry-1.docker.io/v2/library/nginx/manifests/latest -',
    'https://auth.io/token Basic',
    'https://registry-1.docker.io/v2/library/nginx/manifests/latest Bearer',
    `https://registry-1.docker.io${path} Bearer`,
    `https://cdn.io${path} -`,
  ])
})

test('a credential is looked up once for a repository, however often it is opened', async () => {
  const asked: string[] = []
  const find = async (registry: string, repository: string) => {
    asked.push(`${registry}/${repository}`)
    return me
  }
  const { open, seen } = setUp(network, { credentials: { find } })
  await Promise.all(
    ['a', 'b', 'c'].map((tag) => open({ registry: 'reg.io', repository: 'app' }).fetchManifest(tag, signal)),
  )
  await open({ registry: 'reg.io', repository: 'other' }).fetchManifest('a', signal)
  expect(asked).toEqual(['reg.io/app', 'reg.io/other'])
  expect(seen.filter((line) => line.startsWith('https://auth.io'))).toHaveLength(2)
})

test('an error of the credential source is the error of the pull', async () => {
  const problem = new DrayError('FILE', 'broken entry')
  const { open } = setUp(network, { credentials: { find: () => Promise.reject(problem) } })
  await expect(open({ registry: 'reg.io', repository: 'app' }).fetchManifest('a', signal)).rejects.toBe(
    problem,
  )
})

test.each([
  [undefined, 'reg.io refused app:a: not found, or it needs a login'],
  [me, 'reg.io refused app:a: it does not take the credentials that were sent'],
])('a refusal tells apart who is logged in wrongly and who is not at all', async (credential, message) => {
  const { open } = setUp(
    { 'https://reg.io': () => ask('Basic realm="x"') },
    { credentials: { find: async () => credential } },
  )
  const fetched = open({ registry: 'reg.io', repository: 'app' }).fetchManifest('a', signal)
  await expect(fetched).rejects.toMatchObject({ code: 'UNAUTHORIZED', message })
})

describe('http', () => {
  const noTls = () => {
    throw new DrayError('TLS', 'no TLS', {
      cause: Object.assign(new Error(), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }),
    })
  }
  const refused = () => {
    throw new DrayError('NETWORK', 'refused', { cause: Object.assign(new Error(), { code: 'HPE_INVALID' }) })
  }

  test('is for a loopback registry that speaks no TLS, which is found out once', async () => {
    const { open, seen } = setUp({ 'https://localhost:5000': noTls, 'http://localhost:5000': () => ({}) })
    for (const repository of ['a', 'a', 'b'])
      await open({ registry: 'localhost:5000', repository }).fetchManifest('1', signal)
    expect(seen.map((line) => line.slice(0, line.indexOf(':')))).toEqual(['https', 'http', 'http', 'http'])
  })

  test.each([
    ['reg.io', noTls, 'TLS'],
    ['localhost:5000', refused, 'NETWORK'],
  ])('is not for %s when https fails otherwise', async (registry, fail, code) => {
    const { open, seen } = setUp({ [`https://${registry}`]: fail })
    await expect(open({ registry, repository: 'a' }).fetchManifest('1', signal)).rejects.toMatchObject({
      code,
    })
    expect(seen).toHaveLength(1)
  })

  test('is all there is where it was chosen, credentials included', async () => {
    const registry = ({ headers }: HttpRequest) => (headers?.authorization ? {} : ask('Basic realm="x"'))
    const { open, seen } = setUp(
      { 'http://reg.io:5000': registry },
      { plainHttp: true, credentials: { find: async () => me } },
    )
    await open({ registry: 'reg.io:5000', repository: 'a' }).fetchManifest('1', signal)
    expect(seen).toEqual([
      'http://reg.io:5000/v2/a/manifests/1 -',
      'http://reg.io:5000/v2/a/manifests/1 Basic',
    ])
  })
})

test('every request is traced', async () => {
  const traced: string[] = []
  const { open, seen } = setUp(network, {
    onRequest: ({ method, status }) => traced.push(`${method} ${status}`),
  })
  await open({ registry: 'reg.io', repository: 'app' }).fetchManifest('a', signal)
  expect(traced).toEqual(['GET 401', 'GET 200', 'GET 200'])
  expect(traced).toHaveLength(seen.length)
})
