import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { fetchToken, type TokenRequest } from '../../../src/auth/token.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'

const request: TokenRequest = {
  registry: 'reg.io',
  origin: new URL('https://reg.io/'),
  realm: 'https://auth.io/token',
  scopes: ['repository:a/b:pull'],
  now: () => 5000,
}
const identity = { kind: 'identity-token', token: 'it' } as const
const login = { kind: 'basic', username: 'me', password: 'p:w' } as const
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A token server that gives its answers one after another. */
function tokenServer(...answers: { status?: number; body?: unknown; headers?: HttpResponse['headers'] }[]) {
  const seen: HttpRequest[] = []
  const transport: Transport = async (request) => {
    const { status = 200, body = { token: 'T' }, headers = {} } = answers[seen.push(request) - 1] ?? {}
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    return { status, headers, body: Readable.from([bytes], { objectMode: false }), url: request.url }
  }
  return { seen, transport }
}

describe('the request', () => {
  test.each<[string, Partial<TokenRequest>, string, string | undefined]>([
    ['is anonymous without credentials', {}, 'scope=repository%3Aa%2Fb%3Apull', undefined],
    [
      'names the service if the challenge did',
      { service: 'my svc' },
      'service=my+svc&scope=repository%3Aa%2Fb%3Apull',
      undefined,
    ],
    ['has one parameter a scope', { scopes: ['x', 'y'] }, 'scope=x&scope=y', undefined],
    [
      'keeps what the realm already asks',
      { realm: 'https://auth.io/token?a=b' },
      'a=b&scope=repository%3Aa%2Fb%3Apull',
      undefined,
    ],
    [
      'carries user name and password as Basic',
      { credential: login },
      'scope=repository%3Aa%2Fb%3Apull&account=me',
      `Basic ${base64('me:p:w')}`,
    ],
  ])('%s', async (_, changes, query, authorization) => {
    const { seen, transport } = tokenServer()
    await fetchToken(transport, { ...request, ...changes })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ method: 'GET', purpose: 'token' })
    expect(seen[0]?.url.search).toBe(`?${query}`)
    expect(seen[0]?.headers?.authorization).toBe(authorization)
  })

  test('posts an identity token', async () => {
    const { seen, transport } = tokenServer()
    await fetchToken(transport, { ...request, service: 'svc', scopes: ['x', 'y'], credential: identity })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ method: 'POST', url: new URL('https://auth.io/token') })
    expect(seen[0]?.headers?.authorization).toBeUndefined()
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'dray',
      refresh_token: 'it',
      service: 'svc',
      scope: 'x y',
    })
  })

  test.each([404, 405])('turns to GET when the server answers a POST with %i', async (status) => {
    const { seen, transport } = tokenServer({ status }, {})
    expect((await fetchToken(transport, { ...request, credential: identity })).value).toBe('T')
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(seen[1]?.headers?.authorization).toBe(`Basic ${base64('<token>:it')}`)
  })
})

describe('the answer', () => {
  test.each<[unknown, string, number]>([
    [{ token: 'T', expires_in: 300 }, 'T', 300],
    [{ access_token: 'A', expires_in: 300 }, 'A', 300],
    [{ token: '', access_token: 'A' }, 'A', 60],
    [{ token: 'T', access_token: 'T' }, 'T', 60],
    [{ token: 'T', expires_in: 0 }, 'T', 60],
    [{ token: 'T', expires_in: -5 }, 'T', 60],
    [{ token: 'T', expires_in: '120' }, 'T', 120],
    [{ token: 'T', expires_in: 'soon' }, 'T', 60],
    [{ token: 'T', expires_in: null, issued_at: '1999-01-01T00:00:00Z' }, 'T', 60],
  ])('%j holds the token %s for %i seconds from now', async (body, value, seconds) => {
    const { transport } = tokenServer({ body })
    expect(await fetchToken(transport, request)).toEqual({ value, expiresAt: 5000 + seconds * 1000 })
  })

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['no token', {}],
    ['null', 'null'],
    ['a list', []],
    ['a token that is no text', { token: 5 }],
    ['a token that would break the header', { token: 'a\r\nx: y' }],
    ['more than 1 MiB', `{"token":"T","x":"${'x'.repeat(1024 * 1024)}"}`],
  ])('with %s is told as such', async (_, body) => {
    const { transport } = tokenServer({ body }, { body })
    await expect(fetchToken(transport, request)).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'reg.io: the answer of the token server auth.io holds no token',
    })
  })

  test('that is a web page is told as such', async () => {
    const { transport } = tokenServer({ body: '<html><title>Portal</title></html>' })
    await expect(fetchToken(transport, request)).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'reg.io: got a web page (title: Portal) instead of a token from auth.io',
    })
  })

  test('that breaks off is told as such', async () => {
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const body = new Readable({
      read() {
        this.destroy(reset)
      },
    })
    const via = new URL('http://proxy.corp:9000')
    const transport: Transport = async ({ url }) => ({ status: 200, headers: {}, body, url, via })
    await expect(fetchToken(transport, request)).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('auth.io (through the proxy proxy.corp:9000) closed'),
      cause: reset,
    })
  })
})

describe('a refusal', () => {
  test.each([
    [
      401,
      undefined,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused, no credentials were sent (401): bad luck',
    ],
    [
      403,
      undefined,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused, no credentials were sent (403): bad luck',
    ],
    [
      401,
      login,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused the credentials that were sent (401): bad luck',
    ],
    [
      401,
      identity,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused the credentials that were sent (401): bad luck',
    ],
    [404, undefined, 'NETWORK', 'reg.io: the token server auth.io answered 404: bad luck'],
    [
      400,
      identity,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused the credentials that were sent (400): bad luck',
    ],
    [
      400,
      login,
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused the credentials that were sent (400): bad luck',
    ],
    [
      401,
      { ...login, from: '/home/me/.docker/config.json' },
      'UNAUTHORIZED',
      'reg.io: the token server auth.io refused the login from /home/me/.docker/config.json (401): bad luck',
    ],
    [400, undefined, 'NETWORK', 'reg.io: the token server auth.io answered 400: bad luck'],
    [
      429,
      undefined,
      'RATE_LIMITED',
      'reg.io: the token server auth.io wants fewer requests for now, 429 (bad luck)',
    ],
    [500, undefined, 'NETWORK', 'reg.io: the token server auth.io answered 500: bad luck'],
  ])('of %i (credentials: %j) is %s', async (status, credential, code, message) => {
    const { transport } = tokenServer({ status, body: { details: 'bad luck' } })
    await expect(fetchToken(transport, { ...request, credential })).rejects.toMatchObject({ code, message })
  })

  test('has a hint for each case', async () => {
    const hintFor = async (credential: TokenRequest['credential']) => {
      const { transport } = tokenServer({ status: 401 })
      return fetchToken(transport, { ...request, credential }).catch(({ hint }) => hint)
    }
    expect(await hintFor(undefined)).toMatch(/--username/)
    expect(await hintFor(login)).toMatch(/check the user name/)
    expect(await hintFor(login)).toMatch(/dray login reg\.io/)
    expect(await hintFor(identity)).toMatch(/expired or was revoked/)
    expect(await hintFor({ ...login, username: 'AWS' })).toMatch(/12 hours: aws ecr get-login-password/)
  })

  test('of nobody says what is wrong with the login that was to be used', async () => {
    const { transport } = tokenServer({ status: 401 })
    const loginProblem = 'docker-credential-desk is not on the PATH'
    await expect(fetchToken(transport, { ...request, loginProblem })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      hint: expect.stringContaining(loginProblem),
    })
  })

  test('never repeats a secret that the server quotes', async () => {
    const server = tokenServer({ status: 401, body: 'no hunter:2' })
    const transport: Transport = async (sent) => ({
      ...(await server.transport(sent)),
      secrets: ['hunter:2'],
    })
    await expect(fetchToken(transport, request)).rejects.toMatchObject({
      message: expect.stringMatching(/: no \*\*\*$/),
    })
  })
})

test('a realm that is not safe is never asked', async () => {
  const { seen, transport } = tokenServer()
  const realm = 'http://auth.io/token'
  await expect(fetchToken(transport, { ...request, realm, credential: login })).rejects.toMatchObject({
    code: 'POLICY',
  })
  expect(seen).toEqual([])
})
