import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import type { HttpResponse } from '../../../src/http/transport.ts'
import type { Inquiry } from '../../../src/registry/answer.ts'
import { responseError, webPageError } from '../../../src/registry/registry-response.ts'

const login = { kind: 'basic', username: 'me', password: 'secret', from: '-u' } as const
const inquiry: Inquiry = { registry: 'docker.io', what: 'library/nginx:1' }

function response(status: number, body: unknown, headers: HttpResponse['headers'] = {}): HttpResponse {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const url = new URL('https://registry-1.docker.io/v2/library/nginx/manifests/1')
  return { status, headers, body: Readable.from([bytes], { objectMode: false }), url }
}

const spec = (code: string, message: string) => ({ errors: [{ code, message, detail: { any: ['thing'] } }] })
const page = '<!DOCTYPE html><html><head><title>Log in</title></head></html>'

test.each<[number, string, unknown, string]>([
  [
    404,
    'NOT_FOUND',
    spec('MANIFEST_UNKNOWN', 'manifest unknown'),
    'docker.io has no library/nginx:1 (MANIFEST_UNKNOWN: manifest unknown)',
  ],
  [404, 'NOT_FOUND', '', 'docker.io has no library/nginx:1'],
  [
    401,
    'UNAUTHORIZED',
    spec('UNAUTHORIZED', 'authentication required'),
    'docker.io refused library/nginx:1: not found, or it needs a login (UNAUTHORIZED: authentication required)',
  ],
  [
    403,
    'UNAUTHORIZED',
    spec('denied', 'no'),
    'docker.io refused library/nginx:1: not found, or it needs a login (DENIED: no)',
  ],
  [500, 'NETWORK', 'boom', 'docker.io answered 500 when asked for library/nginx:1 (boom)'],
  [
    503,
    'NETWORK',
    page,
    'docker.io answered 503 when asked for library/nginx:1, with a web page (title: Log in)',
  ],
  [
    400,
    'NOT_FOUND',
    spec('NAME_INVALID', 'bad name'),
    'docker.io has no library/nginx:1 (NAME_INVALID: bad name)',
  ],
  [407, 'PROXY_AUTH', '', 'the proxy answered 407 when docker.io was asked for library/nginx:1'],
  [
    429,
    'RATE_LIMITED',
    'Too Many Requests',
    'docker.io wants fewer requests for now, 429 (Too Many Requests)',
  ],
])('a %i is %s', async (status, code, body, message) => {
  expect(await responseError(response(status, body), inquiry)).toMatchObject({ code, message })
})

describe("the registry's words", () => {
  test.each<[string, unknown, string]>([
    ['several errors', { errors: [{ code: 'A', message: 'one' }, { code: 'B' }] }, '(A, B: one)'],
    ['an empty list', { errors: [] }, 'library/nginx:1'],
    ['errors that are a text', { errors: 'broken' }, '(broken)'],
    ['a message that is no text', { errors: [{ code: 5, message: {} }] }, 'library/nginx:1'],
    ['details', { details: 'incorrect password' }, '(incorrect password)'],
    ['a message', { message: 'hello' }, '(hello)'],
    ['OAuth2', { error: 'invalid_grant', error_description: 'expired' }, '(expired)'],
    ['an OAuth2 code alone', { error: 'invalid_grant' }, '(invalid_grant)'],
    ['an error object', { error: { code: 'X', message: 'why' } }, '(X: why)'],
    ['null', null, '(null)'],
    ['control characters', { message: 'a\u001b[31mb\nc' }, '(a\\u{1b}[31mb c)'],
    ['a broken JSON', '{"errors":', '({"errors":)'],
  ])('are found in %s', async (_, body, ending) => {
    const { message } = await responseError(response(500, body), inquiry)
    expect(message.endsWith(ending)).toBe(true)
  })

  test('are cut when they are long', async () => {
    const { message } = await responseError(response(500, 'x'.repeat(10_000)), inquiry)
    expect(message.length).toBeLessThan(300)
  })

  test('are read to 64 KiB, however long the body is', async () => {
    let sent = 0
    const body = new Readable({
      read() {
        sent += 1
        this.push(Buffer.alloc(16 * 1024, 'x'))
      },
    })
    await responseError({ ...response(500, ''), body }, inquiry)
    expect(sent).toBeLessThan(20)
    expect(body.destroyed).toBe(true)
  })

  test('may break off', async () => {
    const body = new Readable({
      read() {
        this.destroy(new Error('reset'))
      },
    })
    expect(await responseError({ ...response(404, ''), body }, inquiry)).toMatchObject({ code: 'NOT_FOUND' })
  })
})

test('whoever is logged in hears that access may be missing', async () => {
  const error = await responseError(response(401, ''), { ...inquiry, login })
  expect(error).toMatchObject({ message: 'docker.io refused library/nginx:1: not found, or no access' })
})

test('whose password is not taken hears that, and whose it is', async () => {
  const headers = { 'www-authenticate': 'Basic realm="r"' }
  const error = await responseError(response(401, '', headers), { ...inquiry, login })
  expect(error).toMatchObject({
    code: 'UNAUTHORIZED',
    message: 'docker.io refused library/nginx:1: it does not take the login from -u',
    hint: expect.stringContaining('log in again (dray login docker.io)'),
  })
})

test('a host that the registry sent us to is named', async () => {
  const url = new URL('https://cdn.example/x?signature=secret')
  const error = await responseError({ ...response(500, ''), url }, inquiry)
  expect(error.message).toBe('cdn.example (for docker.io) answered 500 when asked for library/nginx:1')
})

test('a mirror is known by the place that it is served at', async () => {
  const root = new URL('https://registry-1.docker.io/v2/prefix/')
  const error = await responseError(response(404, ''), { ...inquiry, registry: 'mirror.example', root })
  expect(error.message).toBe('mirror.example has no library/nginx:1')
})

describe('a 404 that no registry has signed', () => {
  const pinged = (status: number, body: unknown, headers: HttpResponse['headers'] = {}) => ({
    ...inquiry,
    ping: vi.fn(async () => ({
      ...response(status, body, headers),
      url: new URL('https://registry-1.docker.io/v2/'),
    })),
  })

  test.each<[string, Parameters<typeof pinged>]>([
    ['a web page', [200, page]],
    ['a 404', [404, '']],
    ['a 404 in some JSON', [404, { message: 'no route' }]],
    ['a 401 that does not say how to log in', [401, page]],
    ['a 400', [400, 'bad request']],
  ])('is of no registry when its root answers with %s', async (_, root) => {
    expect(await responseError(response(404, page), pinged(...root))).toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(
        `^docker.io is not a container registry: asked for /v2/, it answered ${root[0]}`,
      ),
    })
  })

  test.each<[string, Parameters<typeof pinged>]>([
    ['a 200', [200, '']],
    ['a 200 and JSON', [200, {}]],
    ['a challenge', [401, page, { 'www-authenticate': 'Bearer realm="x"' }]],
    ['its version', [404, page, { 'docker-distribution-api-version': 'registry/2.0' }]],
    ['the errors of a registry', [404, spec('NOT_FOUND', 'no')]],
    ['a wall', [403, page]],
    ['too many requests', [429, '']],
    ['trouble', [502, page]],
  ])('is of a registry, maybe, when its root answers with %s', async (_, root) => {
    expect(await responseError(response(404, page), pinged(...root))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('is an image that is not there when its root does not answer', async () => {
    const ping = () => Promise.reject(new Error('reset'))
    expect(await responseError(response(404, page), { ...inquiry, ping })).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test.each<[string, unknown, HttpResponse['headers']]>([
    ['by its errors', spec('MANIFEST_UNKNOWN', 'no'), {}],
    ['by its version', page, { 'docker-distribution-api-version': 'registry/2.0' }],
  ])('costs no look at the root when it is signed %s', async (_, body, headers) => {
    const asked = pinged(200, page)
    expect(await responseError(response(404, body, headers), asked)).toMatchObject({ code: 'NOT_FOUND' })
    expect(asked.ping).not.toHaveBeenCalled()
  })
})

describe('what to try', () => {
  const loggedIn = { ...inquiry, login }
  const asking = (...schemes: readonly string[]) => ({ 'www-authenticate': [...schemes] })
  const toLogIn = 'some registries hide private images from those who are not logged in'

  test.each<[number, unknown, Inquiry, HttpResponse['headers'], string]>([
    [404, spec('MANIFEST_UNKNOWN', 'no'), loggedIn, {}, 'check the name and the tag'],
    [404, spec('MANIFEST_UNKNOWN', 'no'), inquiry, {}, `check the name and the tag; ${toLogIn}`],
    [404, spec('NAME_UNKNOWN', 'not known'), loggedIn, {}, 'check the name up to the tag'],
    [404, spec('NOT_FOUND', 'project a not found'), loggedIn, {}, 'check the name up to the tag'],
    [404, spec('MANIFEST_UNKNOWN', 'no'), { ...inquiry, what: 'a@sha256:0' }, {}, 'check the digest'],
    [404, spec('BLOB_UNKNOWN', 'no'), { ...inquiry, kind: 'blob' }, {}, 'the registry has lost a part'],
    [400, spec('NAME_INVALID', 'no'), inquiry, {}, 'this registry wants other names'],
    [401, spec('UNAUTHORIZED', 'no'), inquiry, {}, 'check the name, which begins with its owner'],
    [401, spec('UNAUTHORIZED', 'no'), { ...inquiry, what: 'a/b:1' }, {}, 'check the name; if it is private'],
    [401, spec('UNAUTHORIZED', 'no'), loggedIn, {}, 'check the name, and what this account may read'],
    [403, spec('DENIED', 'Your token has expired'), loggedIn, {}, 'get a new password and log in again'],
    [403, spec('DENIED', 'Your token has expired'), inquiry, {}, 'check the name, which'],
    [401, page, inquiry, asking('Negotiate'), 'a company gateway may stand before the registry'],
    [401, '', inquiry, asking('Negotiate', 'Basic realm="r"'), 'check the name, which'],
    [401, page, loggedIn, asking('Basic realm="r"'), 'check the user name and the password'],
    [401, '', loggedIn, asking('Bearer realm="r"', 'Basic realm="r"'), 'check the name, and what'],
    [403, '', loggedIn, asking('Basic realm="r"'), 'check the name, and what this account may read'],
    [403, page, inquiry, {}, 'a web page came back: a firewall'],
    [412, spec('PROJECTPOLICYVIOLATION', 'no'), inquiry, {}, 'ask those who run it'],
    [400, spec('TOOMANYREQUESTS', 'no'), loggedIn, {}, 'try again in some minutes'],
    [405, '', inquiry, {}, `check the name and the tag; ${toLogIn}`],
    [500, '', inquiry, {}, 'something is wrong there'],
    [418, page, inquiry, {}, 'a web page came back: this is not a registry'],
    [400, 'Client sent an HTTP request to an HTTPS server.', inquiry, {}, 'leave out --plain-http'],
    [
      400,
      '<html><title>400 The plain HTTP request was sent to HTTPS port',
      inquiry,
      {},
      'leave out --plain-http',
    ],
    [400, '<html><title>Oops</title>', inquiry, {}, 'a web page came back'],
    [
      400,
      "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
      inquiry,
      {},
      'leave out --plain-http',
    ],
    [400, '<html><title>400 No required SSL certificate was sent', inquiry, {}, 'give it with --cert'],
    [400, '<html><title>400 The SSL certificate error', inquiry, {}, 'check that --cert'],
    [
      404,
      spec('MANIFEST_UNKNOWN', 'OCI index found, but Accept header does not support OCI indexes'),
      inquiry,
      {},
      'a proxy or cache on the way',
    ],
  ])('after a %i that says %j', async (status, body, about, headers, beginning) => {
    const { hint = '' } = await responseError(response(status, body, headers), about)
    expect(hint.slice(0, beginning.length)).toBe(beginning)
  })

  test('is nothing about logins when the host behind a redirect refuses', async () => {
    const url = new URL('https://cdn.example/x')
    const { message, hint } = await responseError({ ...response(403, ''), url }, inquiry)
    expect(message).toBe(
      'cdn.example (for docker.io) refused library/nginx:1: it does not take the link that docker.io gave',
    )
    expect(hint).toMatch(/^such a link is good for minutes/)
  })
})

test.each(['gitlab.com', 'www.gitlab.com'])(
  'a web page of %s comes with the registry beside it',
  (registry) => {
    const words = { codes: [], text: 'Sign in', isWebPage: true, isFromRegistry: false }
    expect(webPageError(response(200, page), words, { ...inquiry, registry }).hint).toBe(
      'the images of gitlab.com are at registry.gitlab.com',
    )
  },
)

describe('a proxy that answers in place of the registry', () => {
  test.each<[string, HttpResponse['headers'], unknown, boolean]>([
    ['squid by its error header', { 'x-squid-error': 'ERR_DNS_FAIL 0' }, page, true],
    ['squid by name', { server: 'squid/5.7' }, page, true],
    ['tinyproxy by name', { server: 'tinyproxy/1.11.1' }, page, true],
    ['another by its page', { via: '1.1 proxy' }, page, true],
    ['not a CDN that passes on JSON', { via: '1.1 google' }, spec('DENIED', 'no'), false],
    [
      'not a registry that says it is one',
      { via: '1.1 proxy', 'docker-distribution-api-version': 'registry/2.0' },
      page,
      false,
    ],
  ])('is recognised: %s', async (_, headers, body, isProxy) => {
    const error = await responseError(response(503, body, headers), inquiry)
    expect(error.message.startsWith('the proxy answered 503 when docker.io was asked for')).toBe(isProxy)
  })
})
