import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Credential, CredentialSource } from '../../src/auth/credential.ts'
import { dockerConfigTextSource } from '../../src/auth/docker-config.ts'
import { configPlaces } from '../../src/cli/config-places.ts'
import type { PullEvent } from '../../src/events.ts'
import { type PullOptions, pull } from '../../src/pull.ts'
import { answers, testWithHelpers, writeHelper } from '../support/credential-helper.ts'
import {
  addImage,
  addManifest,
  buildImage,
  createContent,
  layerOf,
  type RegistryContent,
} from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { basic, registry, withBasicAuth, withCutBlobs, withTokenAuth } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import { type Handler, type TestServer, tlsFixture } from '../support/serve.ts'
// Names that end in .example are this machine from here on, and no loopback names.
import '../support/symptoms/names.mjs'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { testProxy } from '../unit/http/test-proxy.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const alice = { username: 'alice', password: 's3cret-of-alice' }
const layer = layerOf(Buffer.alloc(64 * 1024, 1), { compression: 'none' })

function contentOf(layers = [layer]): RegistryContent {
  const content = createContent()
  addImage(content, buildImage({ layers }), 'app:1')
  return content
}

const images = registry(contentOf())
const always = (credential: Credential): CredentialSource => ({ find: async () => credential })
const asAlice = always({ kind: 'basic', ...alice })

interface Pulled {
  /** The code of the error, or `pulled`. */
  readonly outcome: string
  /** Where requests went, whether they got an answer or not. */
  readonly asked: readonly string[]
  readonly warnings: readonly string[]
}

/** Pulls without patience, and says how it went. */
async function tryPull(name: string, options: PullOptions = {}): Promise<Pulled> {
  const events: PullEvent[] = []
  const outcome = await pull([name], {
    output: join(temporaryDirectory(), 'image.tar'),
    retries: 1,
    onEvent: (event) => events.push(event),
    ...options,
  }).then(
    () => 'pulled',
    (error) => error.code,
  )
  return {
    outcome,
    asked: events.flatMap((event) => (event.type === 'request' ? [new URL(event.url).host] : [])),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
  }
}

const authorizationsAt = ({ requests }: TestServer) =>
  new Set(requests.map(({ headers }) => headers.authorization).filter(Boolean))

/** Everything that a server was sent, to be searched. */
const sentTo = ({ requests }: TestServer) => JSON.stringify(requests)

const isBlob = (url = '') => url.includes('/blobs/')

/** Sends whoever asks for a blob to `location`, where PATH stands for the path. */
const sendsBlobs =
  (location: () => string, next: Handler = images): Handler =>
  (request, response) => {
    if (!isBlob(request.url)) return next(request, response)
    response.writeHead(307, { location: location().replace('PATH', request.url ?? '') }).end()
  }

describe('a layer with URLs of its own is fetched from the registry, and the URLs from nowhere:', () => {
  test.each([
    ['where the registry has it', 'http://FOREIGN/steal', true, 'pulled'],
    ['where the registry does not have it', 'http://FOREIGN/steal', false, 'NOT_FOUND'],
    ['with the address of a metadata service', 'http://169.254.169.254/latest', true, 'pulled'],
    [
      'with the address of a metadata service, and not at the registry',
      'http://169.254.169.254/',
      false,
      'NOT_FOUND',
    ],
  ])('%s', async (_, url, isThere, outcome) => {
    const thief = await serveDuringTest(withBasicAuth(images, 'a', 'b'))
    const content = contentOf()
    const image = buildImage({ layers: [layer] })
    const manifest = JSON.parse(image.manifest.toString())
    manifest.layers[0].urls = [url.replace('FOREIGN', `foreign.example:${thief.port}`)]
    addManifest(content, Buffer.from(JSON.stringify(manifest)), image.mediaType, 'app:1')
    if (!isThere) content.blobs.delete(layer.digest)
    const server = await serveDuringTest(withBasicAuth(registry(content), alice.username, alice.password))

    const pulled = await tryPull(`registry.example:${server.port}/app:1`, {
      plainHttp: true,
      credentials: asAlice,
    })

    expect(pulled.outcome).toBe(outcome)
    expect(thief.requests).toEqual([])
    expect(new Set(pulled.asked)).toEqual(new Set([`registry.example:${server.port}`]))
  })
})

describe('a redirect of a blob', () => {
  const own = 'with Authorization'
  const other = 'without Authorization'
  const refused = 'not followed'

  test.each([
    ['http', '/elsewherePATH', own],
    ['http', 'http://registry.example:CDNPATH', other],
    ['http', 'http://cdn.example:CDNPATH', other],
    ['http', 'http://cdn.registry.example:CDNPATH', other],
    ['http', 'http://REGISTRY.EXAMPLE:CDNPATH', other],
    ['http', 'https://cdn.example:SECUREPATH', other],
    ['http', 'https://registry.example:SECUREPATH', other],
    ['http', 'http://a:b@cdn.example:CDNPATH', refused],
    ['http', 'http://registry.example@cdn.example:CDNPATH', refused],
    ['http', 'http://127.0.0.1:CDNPATH', refused],
    ['http', 'http://localhost:CDNPATH', refused],
    ['http', 'http://0x7f.1:CDNPATH', refused],
    ['http', 'http://[::ffff:127.0.0.1]:CDNPATH', refused],
    ['http', 'http://0.0.0.0:CDNPATH', refused],
    ['http', 'http://169.254.169.254/latest/meta-data/', refused],
    ['http', 'http://[::ffff:a9fe:a9fe]/latest/meta-data/', refused],
    ['http', 'http://100.100.100.200/latest/meta-data/', refused],
    ['http', 'file:///etc/passwd', refused],
    ['https', '/elsewherePATH', own],
    ['https', 'https://registry.example:SECUREPATH', other],
    ['https', 'https://cdn.example:SECUREPATH', other],
    ['https', 'http://registry.example:CDNPATH', refused],
    ['https', 'http://cdn.example:CDNPATH', refused],
    ['https', 'https://127.0.0.1:SECUREPATH', refused],
    ['https', 'https://0.0.0.0:SECUREPATH', refused],
    ['https', 'https://169.254.169.254/', refused],
    ['loopback', 'http://127.0.0.1:CDNPATH', other],
    ['loopback', 'http://localhost:CDNPATH', other],
    ['loopback', 'https://cdn.example:SECUREPATH', other],
    ['loopback', 'http://0.0.0.0:CDNPATH', refused],
    ['loopback', 'http://169.254.169.254/', refused],
    ['private', 'http://10.9.9.9:CDNPATH', other],
    ['private', 'http://cdn.example:CDNPATH', other],
    ['private', 'http://127.0.0.1:CDNPATH', refused],
    ['private', 'http://169.254.169.254/', refused],
  ])('of a registry that is %s to %s is answered %s', async (kind, location, expected) => {
    const cdn = await serveDuringTest(images)
    const secure = await serveDuringTest(images, { tls: 'server' })
    const filled = location.replace('CDN', `${cdn.port}`).replace('SECURE', `${secure.port}`)
    const guarded = withTokenAuth(
      (request, response) => {
        if (!request.url?.startsWith('/elsewhere')) return sendsBlobs(() => filled)(request, response)
        request.url = request.url.replace('/elsewhere', '')
        return images(request, response)
      },
      { user: alice },
    )
    const server = await serveDuringTest(guarded, kind === 'https' ? { tls: 'server' } : {})
    const name = { loopback: '127.0.0.1', private: '10.1.2.3' }[kind] ?? 'registry.example'
    const hosts = { '10.1.2.3': `127.0.0.1:${server.port}`, [`10.9.9.9:${cdn.port}`]: cdn.host }
    await using proxy = await testProxy({
      hosts: { ...hosts, [`10.1.2.3:${server.port}`]: server.host, [`cdn.example:${cdn.port}`]: cdn.host },
    })

    const pulled = await tryPull(`${name}:${server.port}/app:1`, {
      plainHttp: kind !== 'https',
      tls: { insecure: true },
      credentials: asAlice,
      ...(kind === 'private' && { proxy: { all: `http://${proxy.host}` } }),
    })

    const there = [...cdn.requests, ...secure.requests]
    expect(pulled.outcome).toBe(expected === refused ? 'POLICY' : 'pulled')
    expect(there.length > 0).toBe(expected === other)
    expect(there.filter(({ headers }) => headers.authorization ?? headers.cookie)).toEqual([])
    if (expected === refused) expect(new Set(pulled.asked)).toEqual(new Set([`${name}:${server.port}`]))
    const moved = server.requests.filter(({ url }) => url.startsWith('/elsewhere'))
    expect(moved.length > 0).toBe(expected === own)
    expect(moved.filter(({ headers }) => !headers.authorization?.startsWith('Bearer '))).toEqual([])
    expect(proxy.requests.filter(({ line }) => /169\.254|127\.0\.0\.1/.test(line))).toEqual([])
  })

  test.each([
    ['to a stranger and on to a metadata service', 'http://169.254.169.254/latest', 'POLICY'],
    ['to a stranger and on to this machine', 'http://127.0.0.1:BACKPATH', 'POLICY'],
    ['to a stranger and back', 'http://registry.example:BACKPATH?again', 'pulled'],
  ])('%s: the stranger has sent us, and that is remembered', async (_, onward, outcome) => {
    const back: { port?: number } = {}
    const cdn = await serveDuringTest(sendsBlobs(() => onward.replace('BACK', `${back.port}`)))
    const server = await serveDuringTest((request, response) => {
      if (request.url?.endsWith('?again')) return images(request, response)
      const guarded = withBasicAuth(
        sendsBlobs(() => `http://cdn.example:${cdn.port}PATH`),
        alice.username,
        alice.password,
      )
      return guarded(request, response)
    })
    back.port = server.port

    const pulled = await tryPull(`registry.example:${server.port}/app:1`, {
      plainHttp: true,
      credentials: asAlice,
    })

    expect(pulled.outcome).toBe(outcome)
    expect(authorizationsAt(cdn)).toEqual(new Set())
    const returned = server.requests.filter(({ url }) => url.endsWith('?again'))
    expect(returned.length > 0).toBe(outcome === 'pulled')
    expect(returned.filter(({ headers }) => headers.authorization)).toEqual([])
  })
})

describe('a host that the registry sends us to, and that asks for a login, is told nothing that is ours:', () => {
  const token = 'eyJ-the-token-of-alice'
  const credentials: Readonly<Record<string, Credential>> = {
    'a password': { kind: 'basic', ...alice },
    'an identity token': { kind: 'identity-token', token },
    'a registry token': { kind: 'registry-token', token },
  }
  const challenges: Readonly<Record<string, string>> = {
    Basic: 'Basic realm="the registry"',
    'its own realm': 'Bearer realm="http://thief.example:THIEF/token",service="thief"',
    'the realm of the registry':
      'Bearer realm="http://registry.example:OWN/token",service="test",scope="all"',
    'both, and a realm with a login': 'Basic realm="x", Bearer realm="http://a:b@registry.example:OWN/token"',
  }
  const secrets = [
    alice.password,
    token,
    Buffer.from(`alice:${alice.password}`).toString('base64'),
    'issued-',
  ]

  const rows = Object.keys(credentials).flatMap((ours) =>
    Object.keys(challenges).map((asks) => [ours, asks] as const),
  )
  test.each(rows)('%s, when it asks for %s', async (ours, asks) => {
    const own: { port?: number } = {}
    const thief: TestServer = await serveDuringTest((request, response) => {
      if (request.url?.startsWith('/token')) return void response.end('{"token":"for-anyone"}')
      const challenge = (challenges[asks] ?? '')
        .replace('THIEF', `${thief.port}`)
        .replace('OWN', `${own.port}`)
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    let issued = 0
    const server = await serveDuringTest((request, response) => {
      const { authorization } = request.headers
      if (request.url?.startsWith('/token')) {
        const isAnonymous = !authorization && request.method === 'GET'
        return void response.end(JSON.stringify({ token: isAnonymous ? 'for-anyone' : `issued-${issued++}` }))
      }
      if (authorization) return sendsBlobs(() => `http://thief.example:${thief.port}PATH`)(request, response)
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="test"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    own.port = server.port

    const pulled = await tryPull(`registry.example:${server.port}/app:1`, {
      plainHttp: true,
      credentials: always(credentials[ours] ?? { kind: 'basic', ...alice }),
    })

    expect(['UNAUTHORIZED', 'POLICY']).toContain(pulled.outcome)
    expect(thief.requests.length).toBeGreaterThan(0)
    for (const secret of secrets) expect(sentTo(thief)).not.toContain(secret)
    expect([...authorizationsAt(thief)].filter((value) => value !== 'Bearer for-anyone')).toEqual([])
    expect(
      server.requests
        .filter(({ url }) => url.includes('scope=all'))
        .filter(({ headers }) => headers.authorization),
    ).toEqual([])
  })

  test.each([
    ['on the first try', {}, (handler: Handler) => handler],
    ['after the token was renewed', { uses: 1 }, (handler: Handler) => handler],
    [
      'when it goes on in the middle of a blob',
      {},
      (handler: Handler) => withCutBlobs(handler, (length) => length / 2),
    ],
    [
      'when it goes on with a renewed token',
      { uses: 1 },
      (handler: Handler) => withCutBlobs(handler, (length) => length / 2),
    ],
  ])('the token, %s', async (when, expiry, cut) => {
    const cdn = await serveDuringTest(cut(images))
    const guarded = withTokenAuth(
      sendsBlobs(() => `http://cdn.example:${cdn.port}PATH`),
      { user: alice, ...expiry },
    )
    const server = await serveDuringTest(guarded)

    const pulled = await tryPull(`registry.example:${server.port}/app:1`, {
      plainHttp: true,
      credentials: asAlice,
    })

    expect(pulled.outcome).toBe('pulled')
    expect(authorizationsAt(cdn)).toEqual(new Set())
    expect(cdn.requests.some(({ headers }) => headers.range)).toBe(when.includes('goes on'))
    expect(authorizationsAt(server).size > 2).toBe('uses' in expiry)
  })
})

describe('the password goes to a token server', () => {
  const gets = true
  const never = false
  test.each([
    ['https', 'https://auth.example:SECURE/token', gets],
    ['https', 'https://registry.example:SECURE/token', gets],
    ['https', 'http://auth.example:PLAIN/token', never],
    ['https', 'http://registry.example:PLAIN/token', never],
    ['https', 'https://127.0.0.1:SECURE/token', never],
    ['https', 'https://localhost:SECURE/token', never],
    ['https', 'https://[::ffff:127.0.0.1]:SECURE/token', never],
    ['https', 'https://0.0.0.0:SECURE/token', never],
    ['https', 'https://[::]:SECURE/token', never],
    ['https', 'https://10.0.0.1:SECURE/token', never],
    ['https', 'https://169.254.169.254/token', never],
    ['https', 'https://alice:x@auth.example:SECURE/token', never],
    ['https', 'file:///token', never],
    ['https', 'javascript:alert(1)', never],
    ['https', '/token', never],
    ['https', '', never],
    ['http', 'http://auth.example:PLAIN/token', gets],
    ['http', 'https://auth.example:SECURE/token', gets],
    ['http', 'http://127.0.0.1:PLAIN/token', never],
    ['http', 'http://0.0.0.0:PLAIN/token', never],
    ['http', 'http://169.254.169.254/token', never],
    ['http', 'http://alice@auth.example:PLAIN/token', never],
    ['loopback', 'http://127.0.0.1:PLAIN/token', gets],
    ['loopback', 'http://0.0.0.0:PLAIN/token', never],
  ])('of a registry that is %s, at %s: %j', async (kind, realm, expected) => {
    const issue: Handler = (_, response) => void response.end('{"token":"t0ken"}')
    const plain = await serveDuringTest(issue)
    const secure = await serveDuringTest(issue, { tls: 'server' })
    const filled = realm.replace('PLAIN', `${plain.port}`).replace('SECURE', `${secure.port}`)
    const guarded: Handler = (request, response) => {
      if (request.headers.authorization) return images(request, response)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${filled}",service="test"` }).end()
    }
    const server = await serveDuringTest(guarded, kind === 'https' ? { tls: 'server' } : {})
    const name = `${kind === 'loopback' ? '127.0.0.1' : 'registry.example'}:${server.port}`

    const pulled = await tryPull(`${name}/app:1`, {
      plainHttp: kind === 'http',
      tls: { insecure: true },
      credentials: asAlice,
    })

    const there = [...plain.requests, ...secure.requests]
    const password = basic(alice.username, alice.password)
    expect(pulled.outcome).toBe(expected ? 'pulled' : realm === '' ? 'UNAUTHORIZED' : 'POLICY')
    expect(there.map(({ headers }) => headers.authorization)).toEqual(expected ? [password] : [])
    expect([...authorizationsAt(server)]).toEqual(expected ? ['Bearer t0ken'] : [])
    if (!expected) expect(new Set(pulled.asked)).toEqual(new Set([name]))
  })

  test.each([
    ['a password', { kind: 'basic', ...alice }, 'pulled'],
    ['an identity token', { kind: 'identity-token', token: 'identity-of-alice' }, 'POLICY'],
  ] satisfies [string, Credential, string][])(
    '%s does not follow where that redirects',
    async (_, credential, outcome) => {
      const thief = await serveDuringTest((_, response) => void response.end('{"token":"t0ken"}'))
      const server = await serveDuringTest((request, response) => {
        if (request.url?.startsWith('/token')) {
          return void response.writeHead(307, { location: `http://thief.example:${thief.port}/token` }).end()
        }
        if (request.headers.authorization) return images(request, response)
        const challenge = `Bearer realm="http://${request.headers.host}/token"`
        response.writeHead(401, { 'www-authenticate': challenge }).end()
      })
      const pulled = await tryPull(`registry.example:${server.port}/app:1`, {
        plainHttp: true,
        credentials: always(credential),
      })
      expect(pulled.outcome).toBe(outcome)
      expect(sentTo(thief)).not.toMatch(/of-alice|YWxpY2U6/)
      expect(authorizationsAt(thief)).toEqual(new Set())
    },
  )
})

describe('without TLS, and without --plain-http, a registry is asked', () => {
  test.each([
    ['registry.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.nip.example', false],
    ['evil-localhost.example', false],
    ['localhost-evil.example', false],
    ['127-0-0-1.example', false],
    ['127.0.0.1', true],
    ['localhost', true],
  ])('as %s: %j', async (name, expected) => {
    const server = await serveDuringTest(withBasicAuth(images, alice.username, alice.password))
    const pulled = await tryPull(`${name}:${server.port}/app:1`, { credentials: asAlice, retries: 0 })
    expect(pulled.outcome).toBe(expected ? 'pulled' : 'TLS')
    expect(server.requests.length > 0).toBe(expected)
  })

  test('and never over http once it has spoken TLS', async () => {
    const server = await serveDuringTest(
      (request, response) =>
        isBlob(request.url) ? void request.socket.destroy() : images(request, response),
      { tls: 'server' },
    )
    const pulled = await tryPull(`${server.host}/app:1`, {
      tls: { caFiles: [fixture('ca.crt')] },
      retries: 0,
    })
    expect(pulled.outcome).toBe('NETWORK')
    expect(pulled.asked.length).toBeGreaterThan(0)
  })
})

describe('of the logins that are stored, a registry gets', () => {
  const keys = [
    'reg.example',
    'reg.example:5000',
    'reg.example/team',
    'reg.example/team/app',
    'notreg.example',
    'https://index.docker.io/v1/',
    'https://old.example/v1/',
    'http://plain.example',
    'UPPER.example',
    '.dotted.example',
    '*.star.example',
  ]
  const auths = Object.fromEntries(
    keys.map((key) => [key, { auth: Buffer.from(`${encodeURIComponent(key)}:x`).toString('base64') }]),
  )
  const source = dockerConfigTextSource(JSON.stringify({ auths }), 'the config')

  test.each([
    ['reg.example/app', 'reg.example'],
    ['reg.example/other/app', 'reg.example'],
    ['reg.example/team', 'reg.example/team'],
    ['reg.example/team/tool', 'reg.example/team'],
    ['reg.example/team/app', 'reg.example/team/app'],
    ['reg.example/team/app/deep', 'reg.example/team/app'],
    ['reg.example/teams/app', 'reg.example'],
    ['reg.example/team-b/app', 'reg.example'],
    ['reg.example/a/team', 'reg.example'],
    ['reg.example:5000/app', 'reg.example:5000'],
    ['reg.example:5000/team/app', 'reg.example:5000'],
    ['reg.example:5001/app', undefined],
    ['reg.example:500/app', undefined],
    ['reg.example:80/app', undefined],
    ['notreg.example/app', 'notreg.example'],
    ['notreg.example/team/app', 'notreg.example'],
    ['eg.example/app', undefined],
    ['my.reg.example/app', undefined],
    ['reg.example.evil.example/app', undefined],
    ['xreg.example/app', undefined],
    ['index.example/app', undefined],
    ['app', 'https://index.docker.io/v1/'],
    ['team/app', 'https://index.docker.io/v1/'],
    ['docker.io/team/app', 'https://index.docker.io/v1/'],
    ['index.docker.io/team/app', 'https://index.docker.io/v1/'],
    ['quay.io/team/app', undefined],
    ['old.example/app', 'https://old.example/v1/'],
    ['plain.example/app', 'http://plain.example'],
    ['upper.example/app', 'UPPER.example'],
    ['a.dotted.example/app', undefined],
    ['a.star.example/app', undefined],
    ['index.docker.io.evil.example/app', undefined],
  ])('for %s the one for %s', async (image, key) => {
    const server = await serveDuringTest((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    const everything = new Proxy<Record<string, string>>({}, { get: () => server.host })
    await using proxy = await testProxy({ hosts: everything })
    await tryPull(image, {
      plainHttp: true,
      credentials: source,
      proxy: { http: `http://${proxy.host}` },
      retries: 0,
    })
    expect(server.requests.length).toBeGreaterThan(0)
    const expected = key === undefined ? [] : [basic(encodeURIComponent(key), 'x')]
    expect([...authorizationsAt(server)]).toEqual(expected)
  })
})

describe('a proxy and a registry learn nothing of each other’s secrets:', () => {
  const login = basic('proxy-user', 'proxy-pass')
  const secretsOf = (requests: readonly { readonly headers: object }[]) => JSON.stringify(requests)

  test.each([
    ['https', 'http', false],
    ['https', 'https', false],
    ['http', 'http', true],
    ['http', 'https', true],
  ] as const)('%s by a proxy that speaks %s', async (scheme, spoken, isReadable) => {
    const guarded = withBasicAuth(images, alice.username, alice.password)
    const server = await serveDuringTest(guarded, scheme === 'https' ? { tls: 'server' } : {})
    const name = `registry.example:${server.port}`
    await using proxy = await testProxy({
      hosts: { [name]: server.host },
      ...(spoken === 'https' && { tls: 'server' }),
    })

    const pulled = await tryPull(`${name}/app:1`, {
      plainHttp: scheme === 'http',
      tls: { insecure: true },
      credentials: asAlice,
      proxy: { all: `${spoken}://proxy-user:proxy-pass@${proxy.host}` },
    })

    expect(pulled.outcome).toBe('pulled')
    expect(new Set(proxy.requests.map(({ headers }) => headers['proxy-authorization']))).toEqual(
      new Set([login]),
    )
    expect(server.requests.filter(({ headers }) => 'proxy-authorization' in headers)).toEqual([])
    expect(sentTo(server)).not.toContain(login.slice(6))
    expect(secretsOf(proxy.requests).includes(basic(alice.username, alice.password))).toBe(isReadable)
    const warnings = pulled.warnings.filter((warning) =>
      warning.includes(`the proxy ${proxy.host} can read them`),
    )
    expect(warnings).toHaveLength(isReadable ? 1 : 0)
  })

  test.each([
    ['registry.example', 'registry.example', 'direct'],
    ['registry.example', 'registry.example.', 'direct'],
    ['registry.example', 'REGISTRY.Example', 'direct'],
    ['registry.example', '.example', 'direct'],
    ['registry.example', '*.example', 'direct'],
    ['registry.example', 'other.test, registry.example:PORT', 'direct'],
    ['registry.example', 'registry.example:1', 'by the proxy'],
    ['registry.example', 'gistry.example', 'by the proxy'],
    ['registry.example', 'registry.example.evil', 'by the proxy'],
    ['10.1.2.3', '10.1.2.3', 'direct'],
    ['10.1.2.3', '::ffff:10.1.2.3', 'direct'],
    ['10.1.2.3', '::ffff:a01:203', 'direct'],
    ['10.1.2.3', '::ffff:10.0.0.0/104', 'direct'],
    ['10.1.2.3', '10.1.2.4', 'by the proxy'],
    ['10.1.2.3', '10.1.2', 'by the proxy'],
    ['127.0.0.1', 'nothing', 'direct'],
    ['localhost', 'nothing', 'direct'],
  ])('%s with NO_PROXY=%s is asked %s', async (name, none, way) => {
    const server = await serveDuringTest(images)
    const host = `${name}:${server.port}`
    await using proxy = await testProxy({ hosts: { [host]: server.host } })
    const proxied = {
      http: `http://proxy-user:proxy-pass@${proxy.host}`,
      none: none.replace('PORT', `${server.port}`),
    }
    await tryPull(`${host}/app:1`, { plainHttp: true, proxy: proxied, retries: 0, timeout: 600 })
    expect(proxy.requests.length > 0).toBe(way === 'by the proxy')
    expect(sentTo(server)).not.toContain('proxy-')
  })
})

describe('a helper that the configuration names is run by its name alone:', () => {
  testWithHelpers.each([
    ['safe', true],
    ['x;touch ran', false],
    ['$(touch ran)', false],
    ['../safe', false],
    ['/bin/sh', false],
    ['a/../docker-credential-safe', false],
    ['..', false],
    ['safe\n', false],
    ['safe\nx', false],
    ['-safe', false],
    ['safe x', false],
    ['here', false],
  ])('%j: %j', async (helper, expected) => {
    const [programs, work] = [temporaryDirectory(), temporaryDirectory()]
    const body = `require('node:fs').writeFileSync(${JSON.stringify(join(work, 'ran'))}, '')\n${answers('alice', alice.password)}`
    writeHelper(programs, 'safe', body)
    writeHelper(work, 'here', body) // the working directory may be anybody's
    const server = await serveDuringTest(withBasicAuth(images, alice.username, alice.password))

    const { exitCode } = await runDray([`${server.host}/app:1`, '--retries', '0'], {
      cwd: work,
      env: {
        PATH: ['', '.', programs, process.env.PATH].join(delimiter),
        DOCKER_AUTH_CONFIG: JSON.stringify({ credHelpers: { [server.host]: helper } }),
      },
    })

    expect(exitCode).toBe(expected ? 0 : 4)
    expect(existsSync(join(work, 'ran'))).toBe(expected)
    expect(authorizationsAt(server).size > 0).toBe(expected)
  })
})

/** A TLS server that asks for client certificates, takes any or none, and keeps their names. */
async function curious(handler: Handler) {
  const shown: (string | undefined)[] = []
  const options = { ...tlsFixture('server'), requestCert: true, rejectUnauthorized: false }
  const server = createTlsServer(options, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    shown.push(subject?.CN === undefined ? undefined : String(subject.CN))
    return handler(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, shown: () => [...new Set(shown)] }
}

describe('what is meant for one origin is shown there only:', () => {
  const clientCertificate = { certFile: fixture('client.crt'), keyFile: fixture('client.key') }
  const tls = { caFiles: [fixture('ca.crt')], clientCertificate }
  const theirs = ['dray test client']

  test('the client certificate at the registry, not where it keeps its blobs', async () => {
    const cdn = await curious(images)
    const server = await curious(sendsBlobs(() => `https://${cdn.host}PATH`))
    expect((await tryPull(`${server.host}/app:1`, { tls })).outcome).toBe('pulled')
    expect([server.shown(), cdn.shown()]).toEqual([theirs, [undefined]])
  })

  test('the client certificate at the registry, not at its token server', async () => {
    const issuer = await curious((_, response) => void response.end('{"token":"t0ken"}'))
    const server = await curious((request, response) => {
      if (request.headers.authorization) return images(request, response)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${issuer.host}/token"` }).end()
    })
    expect((await tryPull(`${server.host}/app:1`, { tls })).outcome).toBe('pulled')
    expect([server.shown(), issuer.shown()]).toEqual([theirs, [undefined]])
  })

  test('the client certificate at the registry, not at its mirror', async () => {
    const mirror = await curious((request, response) =>
      isBlob(request.url) ? void response.writeHead(404).end() : images(request, response),
    )
    const server = await curious(images)
    const mirrors = [`${server.host}=https://${mirror.host}`]
    expect((await tryPull(`${server.host}/app:1`, { tls, mirrors })).outcome).toBe('pulled')
    expect([server.shown(), mirror.shown()]).toEqual([theirs, [undefined]])
  })

  const places = (files: Readonly<Record<string, string>>) => {
    const home = temporaryDirectory()
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(home, name, '..'), { recursive: true })
      writeFileSync(join(home, name), text)
    }
    return { config: configPlaces({}, process.platform, home, 1000) }
  }
  const hostsToml = '.config/containerd/certs.d/_default/hosts.toml'

  test.each(['the registry', 'its blobs', 'its token server'])(
    'the headers of a mirror there, not at %s',
    async (elsewhere) => {
      const other = await serveDuringTest((request, response) =>
        request.url?.startsWith('/token')
          ? void response.end('{"token":"t0ken"}')
          : images(request, response),
      )
      const mirror = await serveDuringTest((request, response) => {
        if (elsewhere === 'its blobs') return sendsBlobs(() => `${other.url}PATH`)(request, response)
        if (elsewhere === 'the registry' && isBlob(request.url)) return void response.writeHead(404).end()
        if (elsewhere !== 'its token server' || request.headers.authorization)
          return images(request, response)
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${other.url}/token"` }).end()
      })
      const { config } = places({
        [hostsToml]: `[host."${mirror.url}".header]\nx-key = "key-of-the-mirror"\n`,
      })

      expect((await tryPull(`${other.host}/app:1`, { config })).outcome).toBe('pulled')
      expect(mirror.requests.every(({ headers }) => headers['x-key'] === 'key-of-the-mirror')).toBe(true)
      expect(other.requests.length).toBeGreaterThan(0)
      expect(sentTo(other)).not.toContain('key-of-the-mirror')
    },
  )
})

describe('the password of -u goes to the registry that is named', () => {
  const preload = `--import=${new URL('../support/symptoms/names.mjs', import.meta.url)}`
  const password = basic(alice.username, alice.password)
  const env = { NODE_OPTIONS: preload, DRAY_PASSWORD: alice.password }
  const asking = withBasicAuth(images, alice.username, alice.password)
  const flags = ['-u', 'alice', '--plain-http', '--retries', '0']

  test('and to it alone of two', async () => {
    const [one, two] = [await serveDuringTest(asking), await serveDuringTest(asking)]
    await runDray(
      [
        `one.example:${one.port}/app:1`,
        ...flags,
        '--mirror',
        `one.example:${one.port}=http://two.example:${two.port}`,
      ],
      { env },
    )
    expect([...authorizationsAt(one)]).toEqual([password])
    expect(two.requests.length).toBeGreaterThan(0)
    expect(authorizationsAt(two)).toEqual(new Set())
  })

  test('not to the one that a short name is an alias for', async () => {
    const server = await serveDuringTest(asking, { tls: 'wrong-name' })
    const home = temporaryDirectory()
    mkdirSync(join(home, '.config', 'containers'), { recursive: true })
    const alias = `[aliases]\n"app" = "registry.example:${server.port}/app"\n`
    writeFileSync(join(home, '.config', 'containers', 'registries.conf'), alias)
    const trusting = ['-u', 'alice', '--ca', fixture('ca.crt'), '--retries', '0']
    const { exitCode } = await runDray(['app:1', ...trusting], {
      env: { ...env, HOME: home, USERPROFILE: home },
    })
    expect(exitCode).toBe(4)
    expect(server.requests.length).toBeGreaterThan(0)
    expect(authorizationsAt(server)).toEqual(new Set())
  })

  test('not to the one that it redirects to', async () => {
    const other = await serveDuringTest(asking)
    const server = await serveDuringTest(
      withBasicAuth(
        sendsBlobs(() => `http://other.example:${other.port}PATH`),
        alice.username,
        alice.password,
      ),
    )
    const { exitCode } = await runDray([`registry.example:${server.port}/app:1`, ...flags], { env })
    expect(exitCode).toBe(4)
    expect([...authorizationsAt(server)]).toEqual([password])
    expect(other.requests.length).toBeGreaterThan(0)
    expect(authorizationsAt(other)).toEqual(new Set())
  })
})
