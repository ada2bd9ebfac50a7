import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type AuthenticateOptions, authenticate } from '../../../src/auth/authenticate.ts'
import type { Credential } from '../../../src/auth/credential.ts'
import { createTokenCache } from '../../../src/auth/token-cache.ts'
import { DrayError } from '../../../src/errors.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'

const origin = new URL('https://reg.io/')
const root = new URL('/v2/', origin)
const manifest = new URL('a/b/manifests/1', root)
const bearer = 'Bearer realm="https://auth.io/token",service="svc",scope="repository:a/b:pull"'
const me: Credential = { kind: 'basic', username: 'me', password: 'pw' }
const basicOfMe = `Basic ${Buffer.from('me:pw').toString('base64')}`

interface Answer {
  readonly status?: number
  readonly headers?: HttpResponse['headers']
  readonly body?: unknown
  /** Where the redirects ended. */
  readonly url?: string
}

/** A network whose hosts are functions; it records who was asked for what, with which Authorization. */
function setUp(
  hosts: Record<string, (request: HttpRequest) => Answer>,
  options: Partial<AuthenticateOptions> & { credential?: Credential } = {},
) {
  const seen: string[] = []
  const bodies: Readable[] = []
  const clock = { now: 0 }
  let finds = 0
  const transport: Transport = async (request) => {
    const { host, pathname, search } = request.url
    seen.push(`${request.method} ${host}${pathname}${search} ${request.headers?.authorization ?? '-'}`)
    const { status = 200, headers = {}, body = '', url } = hosts[host]?.(request) ?? { status: 599 }
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const stream = Readable.from([bytes], { objectMode: false })
    bodies.push(stream)
    return { status, headers, body: stream, url: url ? new URL(url) : request.url }
  }
  const send = authenticate({
    registry: 'reg.io',
    repository: 'a/b',
    root,
    findCredential: async () => {
      finds += 1
      return options.credential
    },
    tokens: createTokenCache(() => clock.now),
    now: () => clock.now,
    ...options,
  })(transport)
  const get = (url = manifest, signal?: AbortSignal) =>
    send({ method: 'GET', url, purpose: 'manifest', signal })
  return { get, seen, bodies, clock, finds: () => finds }
}

const challenge = (...lines: string[]): Answer => ({ status: 401, headers: { 'www-authenticate': lines } })
const authorized = (request: HttpRequest, ...accepted: string[]) =>
  accepted.includes(request.headers?.authorization ?? '-')

/** Issues T1, T2, T3. */
function tokenServer(lifetime = 300) {
  let count = 0
  return () => ({ body: { token: `T${++count}`, expires_in: lifetime } })
}

/** Takes the tokens that it is told to take. */
const tokenRegistry =
  (accepted: readonly string[], header = bearer) =>
  (request: HttpRequest) =>
    authorized(request, ...accepted.map((token) => `Bearer ${token}`)) ? { body: 'ok' } : challenge(header)

describe('a registry that wants tokens', () => {
  test('gets an anonymous one, and the next request has it from the start', async () => {
    const { get, seen } = setUp({ 'reg.io': tokenRegistry(['T1']), 'auth.io': tokenServer() })
    expect([(await get()).status, (await get()).status]).toEqual([200, 200])
    expect(seen).toEqual([
      'GET reg.io/v2/a/b/manifests/1 -',
      'GET auth.io/token?service=svc&scope=repository%3Aa%2Fb%3Apull -',
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
    ])
  })

  test('never sees the password, which goes to the realm', async () => {
    const { get, seen } = setUp(
      { 'reg.io': tokenRegistry(['T1']), 'auth.io': tokenServer() },
      { credential: me },
    )
    await get()
    expect(seen).toEqual([
      'GET reg.io/v2/a/b/manifests/1 -',
      `GET auth.io/token?service=svc&scope=repository%3Aa%2Fb%3Apull&account=me ${basicOfMe}`,
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
    ])
  })

  test('is answered once: a 401 that stays is the answer', async () => {
    const { get, seen } = setUp({ 'reg.io': tokenRegistry([]), 'auth.io': tokenServer() })
    const response = await get()
    expect(response.status).toBe(401)
    expect(response.body.destroyed).toBe(false)
    expect(seen).toHaveLength(3)
  })

  test('makes one token request for many requests at once', async () => {
    const { get, seen } = setUp({ 'reg.io': tokenRegistry(['T1']), 'auth.io': tokenServer() })
    await Promise.all(Array.from({ length: 10 }, () => get()))
    expect(seen.filter((line) => line.includes('auth.io'))).toHaveLength(1)
  })

  test('gets a new token before the old one runs out', async () => {
    const { get, seen, clock } = setUp({ 'reg.io': tokenRegistry(['T1', 'T2']), 'auth.io': tokenServer(60) })
    await get()
    clock.now += 40_000
    await get()
    clock.now += 10_000
    await get()
    expect(seen.slice(3)).toEqual([
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
      'GET auth.io/token?service=svc&scope=repository%3Aa%2Fb%3Apull -',
      'GET reg.io/v2/a/b/manifests/1 Bearer T2',
    ])
  })

  test('gets a new token when it refuses the old one too early', async () => {
    const accepted = ['T1']
    const { get, seen } = setUp({
      'reg.io': (request) => tokenRegistry(accepted)(request),
      'auth.io': tokenServer(),
    })
    await get()
    accepted[0] = 'T2'
    expect((await get()).status).toBe(200)
    expect(seen.slice(3).map((line) => line.split(' ').at(-1))).toEqual(['T1', '-', 'T2'])
  })

  test('may say 400 to a token that ran out, as public.ecr.aws does', async () => {
    const accepted = ['T1']
    const registry = (request: HttpRequest) => {
      if (request.headers?.authorization === undefined) return challenge(bearer)
      return tokenRegistry(accepted)(request).status === 401
        ? { status: 400, body: 'expired' }
        : { body: 'ok' }
    }
    const { get } = setUp({ 'reg.io': registry, 'auth.io': tokenServer() })
    await get()
    accepted[0] = 'T2'
    expect((await get()).status).toBe(200)
  })

  test('that says 400 to a request without a token means it', async () => {
    const { get, seen } = setUp({ 'reg.io': () => ({ status: 400 }) })
    expect((await get()).status).toBe(400)
    expect(seen).toHaveLength(1)
  })

  test('may ask for another scope later', async () => {
    const scopes = ['repository:a/b:pull', 'repository:proxied/a/b:pull']
    const registry = (request: HttpRequest) =>
      authorized(request, `Bearer ${scopes[0]}`)
        ? {}
        : challenge(`Bearer realm="https://auth.io/token",scope="${scopes[0]}"`)
    const { get } = setUp({
      'reg.io': registry,
      'auth.io': ({ url }) => ({ body: { token: url.searchParams.get('scope')?.replaceAll(' ', '') } }),
    })
    await get()
    scopes.shift()
    expect((await get()).status).toBe(200)
  })

  test.each(['Bearer realm="https://auth.io/token"', 'Bearer realm="https://auth.io/token",scope=""'])(
    'is asked for what a pull needs when it names no scope: %s',
    async (header) => {
      const { get, seen } = setUp({ 'reg.io': tokenRegistry(['T1'], header), 'auth.io': tokenServer() })
      await get()
      expect(seen[1]).toBe('GET auth.io/token?scope=repository%3Aa%2Fb%3Apull -')
    },
  )

  test('may put its challenge at its root', async () => {
    const registry = (request: HttpRequest) => {
      if (authorized(request, 'Bearer T1')) return { body: 'ok' }
      return request.url.pathname === '/v2/'
        ? challenge(bearer.replace('a/b:pull', 'other:pull'))
        : { status: 401 }
    }
    const { get, seen } = setUp({ 'reg.io': registry, 'auth.io': tokenServer() })
    expect((await get()).status).toBe(200)
    expect(seen.slice(1, 3)).toEqual([
      'GET reg.io/v2/ -',
      'GET auth.io/token?service=svc&scope=repository%3Aa%2Fb%3Apull -',
    ])
  })

  test('is not to be confused with the host that its root redirects to', async () => {
    const registry = ({ url }: HttpRequest) =>
      url.pathname === '/v2/'
        ? { ...challenge('Basic realm="give"'), url: 'https://evil.io/' }
        : { status: 401 }
    const { get, seen } = setUp({ 'reg.io': registry }, { credential: me })
    expect((await get()).status).toBe(401)
    expect(seen).toEqual(['GET reg.io/v2/a/b/manifests/1 -', 'GET reg.io/v2/ -'])
  })

  test('that never says how to log in has its 401 passed on', async () => {
    const { get, seen } = setUp({ 'reg.io': () => ({ status: 401 }) })
    expect((await get()).status).toBe(401)
    expect(seen).toHaveLength(2)
  })

  test('gets a registry token as it is', async () => {
    const credential: Credential = { kind: 'registry-token', token: 'ready' }
    const { get, seen } = setUp({ 'reg.io': tokenRegistry(['ready']) }, { credential })
    expect((await get()).status).toBe(200)
    expect(seen).toHaveLength(2)
  })
})

describe('a realm that is of no use', () => {
  const atRoot = 'Bearer realm="https://proxy.io/token",service="proxy",scope="ignored"'

  /** The manifest names the realm of the registry that it fronts for, the root its own. */
  const fronting = (request: HttpRequest) =>
    authorized(request, 'Bearer T1')
      ? { body: 'ok' }
      : challenge(request.url.pathname === '/v2/' ? atRoot : bearer.replace('a/b', 'library/b'))

  const fails = (error: DrayError) => () => {
    throw error
  }

  test.each<[string, (request: HttpRequest) => Answer]>([
    ['cannot be reached', fails(new DrayError('NETWORK', 'unreachable'))],
    ['has a bad certificate', fails(new DrayError('TLS', 'expired'))],
    ['does not exist', () => ({ status: 404 })],
    ['is broken', () => ({ status: 503 })],
    ['is a web page', () => ({ body: '<html>' })],
  ])('because it %s gives way to the one at the root, for the same scope', async (_, realm) => {
    const { get, seen } = setUp({ 'reg.io': fronting, 'auth.io': realm, 'proxy.io': tokenServer() })
    expect([(await get()).status, (await get()).status]).toEqual([200, 200])
    expect(seen.slice(2)).toEqual([
      'GET reg.io/v2/ -',
      'GET proxy.io/token?service=proxy&scope=repository%3Alibrary%2Fb%3Apull -',
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
      'GET reg.io/v2/a/b/manifests/1 Bearer T1',
    ])
  })

  test('because it is not safe is never asked', async () => {
    const unsafe = 'Bearer realm="http://auth.io/token",scope="repository:a/b:pull"'
    const registry = (request: HttpRequest) =>
      fronting(request).status === 401 && request.url.pathname !== '/v2/'
        ? challenge(unsafe)
        : fronting(request)
    const { get, seen } = setUp({ 'reg.io': registry, 'proxy.io': tokenServer() }, { credential: me })
    expect((await get()).status).toBe(200)
    expect(seen.filter((line) => line.includes('auth.io'))).toEqual([])
  })

  test.each<[string, string, (request: HttpRequest) => Answer]>([
    ['there is no other', '/v2/', () => challenge(bearer)],
    ['the root says nothing', '/v2/', () => ({})],
    ['the root fails as well', '/v2/', fails(new DrayError('NETWORK', 'also unreachable'))],
  ])('is told when %s', async (_, path, root) => {
    const registry = (request: HttpRequest) =>
      request.url.pathname === path ? root(request) : challenge(bearer)
    const { get } = setUp({ 'reg.io': registry, 'auth.io': fails(new DrayError('NETWORK', 'unreachable')) })
    await expect(get()).rejects.toThrow('unreachable')
    await expect(get()).rejects.not.toThrow('also')
  })

  test('is told unless the other one refuses, which is an answer', async () => {
    const { get } = setUp({
      'reg.io': fronting,
      'auth.io': () => ({ status: 503 }),
      'proxy.io': () => ({ status: 401 }),
    })
    await expect(get()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  test('is asked in vain when it refuses, which is an answer', async () => {
    const { get, seen } = setUp({ 'reg.io': fronting, 'auth.io': () => ({ status: 401 }) })
    await expect(get()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(seen).toHaveLength(2)
  })

  test.each([401, 404])('at expiry (%i) gives way to the first, as nvcr.io needs it', async (status) => {
    const accepted = ['T1']
    const registry = (request: HttpRequest) => {
      const { authorization } = request.headers ?? {}
      const header = authorization ? bearer.replace('auth.io', 'moved.io') : bearer
      return tokenRegistry(accepted, header)(request)
    }
    const { get, seen } = setUp({
      'reg.io': registry,
      'auth.io': tokenServer(),
      'moved.io': () => ({ status }),
    })
    await get()
    accepted[0] = 'T2'
    expect((await get()).status).toBe(200)
    expect(seen.slice(4).map((line) => line.split(/[ /]/)[1])).toEqual(['moved.io', 'auth.io', 'reg.io'])
  })
})

describe('a registry under a path', () => {
  test('is pinged at its own root', async () => {
    const root = new URL('https://reg.io/mirror/v2/')
    const registry = (request: HttpRequest) => {
      if (authorized(request, 'Bearer T1')) return { body: 'ok' }
      return request.url.pathname === root.pathname ? challenge(bearer) : { status: 401 }
    }
    const { get, seen } = setUp({ 'reg.io': registry, 'auth.io': tokenServer() }, { root })
    expect((await get(new URL('a/b/manifests/1', root))).status).toBe(200)
    expect(seen[1]).toBe('GET reg.io/mirror/v2/ -')
  })
})

describe('a registry that wants a password', () => {
  const registry = (request: HttpRequest) =>
    authorized(request, basicOfMe) ? { body: 'ok' } : challenge('Basic realm="reg"')

  test('gets it, from then on without asking', async () => {
    const { get, seen } = setUp({ 'reg.io': registry }, { credential: me })
    expect([(await get()).status, (await get()).status]).toEqual([200, 200])
    expect(seen.map((line) => line.split(' ').slice(2).join(' '))).toEqual(['-', basicOfMe, basicOfMe])
  })

  test('does not get a wrong one twice', async () => {
    const { get, seen } = setUp({ 'reg.io': registry }, { credential: { ...me, password: 'wrong' } })
    expect([(await get()).status, (await get()).status]).toEqual([401, 401])
    expect(seen).toHaveLength(3)
  })

  test.each<[string, Credential | undefined]>([
    ['nobody', undefined],
    ['an identity token', { kind: 'identity-token', token: 'it' }],
  ])('has its 401 passed on when there is %s to send', async (_, credential) => {
    const { get, seen } = setUp({ 'reg.io': registry }, credential ? { credential } : {})
    expect((await get()).status).toBe(401)
    expect(seen).toHaveLength(1)
  })

  test('gets a token where it takes both', async () => {
    const both = (request: HttpRequest) =>
      authorized(request, 'Bearer T1') ? { body: 'ok' } : challenge('Basic realm="reg"', bearer)
    const { get, seen } = setUp({ 'reg.io': both, 'auth.io': tokenServer() }, { credential: me })
    expect((await get()).status).toBe(200)
    expect(seen.filter((line) => line.includes('reg.io') && line.includes('Basic'))).toEqual([])
  })
})

test('a registry that asks for nothing has no credentials looked up', async () => {
  const { get, finds } = setUp({ 'reg.io': () => ({}) }, { credential: me })
  await get()
  expect(finds()).toBe(0)
})

describe('another origin than the registry', () => {
  test.each([
    'https://reg.io:444/v2/x',
    'http://reg.io/v2/x',
    'https://evil.io/v2/x',
    'https://sub.reg.io/x',
  ])('such as %s gets no Authorization when it is asked directly', async (url) => {
    const everyone = (request: HttpRequest) =>
      request.url.origin === origin.origin ? tokenRegistry(['T1'])(request) : challenge('Basic realm="give"')
    const { host } = new URL(url)
    const { get, seen } = setUp(
      { 'reg.io': everyone, [host]: everyone, 'auth.io': tokenServer() },
      { credential: me },
    )
    await get()
    expect((await get(new URL(url))).status).toBe(401)
    expect(seen.at(-1)?.endsWith(' -')).toBe(true)
  })

  const redirected = (header: string) => ({
    'reg.io': (request: HttpRequest) =>
      authorized(request, 'Bearer T1')
        ? { ...challenge(header), url: 'https://cdn.io/blob?sig=x' }
        : challenge(bearer),
    'auth.io': tokenServer(),
    'cdn.io': (request: HttpRequest) =>
      authorized(request, 'Bearer anonymous') ? { body: 'blob' } : { status: 401 },
    'cdn-auth.io': () => ({ body: { token: 'anonymous' } }),
  })

  test('gets an anonymous token of its own when the registry redirects there', async () => {
    const { get, seen } = setUp(redirected('Bearer realm="https://cdn-auth.io/token",scope="x"'), {
      credential: me,
    })
    const response = await get()
    expect([response.status, seen.slice(3)]).toEqual([401, []])
    expect((await get()).status).toBe(200)
    expect(seen.slice(4)).toEqual([
      'GET cdn-auth.io/token?scope=x -',
      'GET cdn.io/blob?sig=x Bearer anonymous',
    ])
  })

  test('gets nothing when it wants a password', async () => {
    const { get, seen } = setUp(redirected('Basic realm="give"'), { credential: me })
    await get()
    expect((await get()).status).toBe(401)
    expect(seen).toHaveLength(4)
  })
})

describe('plain http', () => {
  const hosts = {
    'reg.io': () => challenge('Basic realm="reg"'),
    'localhost:5000': () => challenge('Basic realm="reg"'),
  }

  test('to a registry far away carries no secrets', async () => {
    const { get, seen } = setUp(hosts, { root: new URL('http://reg.io/v2/'), credential: me })
    await expect(get(new URL('http://reg.io/v2/x'))).rejects.toMatchObject({ code: 'POLICY' })
    expect(seen).toEqual(['GET reg.io/v2/x -'])
  })

  test.each<[string, Partial<AuthenticateOptions>]>([
    ['http://reg.io/', { inTheOpen: true }],
    ['http://localhost:5000/', {}],
  ])('to %s carries them where the user wants it or nobody listens', async (url, options) => {
    const { get, seen } = setUp(hosts, { ...options, root: new URL('/v2/', url), credential: me })
    await get(new URL('/v2/x', url))
    expect(seen[1]?.endsWith(basicOfMe)).toBe(true)
  })
})

test('bodies that nobody sees are read to their end', async () => {
  const { get, bodies } = setUp({ 'reg.io': tokenRegistry(['T1']), 'auth.io': tokenServer() })
  await get()
  await new Promise(setImmediate)
  expect(bodies.map((body) => body.readableEnded)).toEqual([true, true, false])
})
