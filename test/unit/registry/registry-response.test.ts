import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/http/transport.ts'
import { type Inquiry, responseError } from '../../../src/registry/registry-response.ts'

const inquiry: Inquiry = { registry: 'docker.io', what: 'library/nginx:1', loggedIn: false }

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
    'NETWORK',
    spec('NAME_INVALID', 'bad name'),
    'docker.io answered 400 when asked for library/nginx:1 (NAME_INVALID: bad name)',
  ],
  [407, 'PROXY_AUTH', '', 'the proxy answered 407 when docker.io was asked for library/nginx:1'],
  [
    429,
    'RATE_LIMITED',
    'Too Many Requests',
    'docker.io limits how much may be pulled (429) (Too Many Requests)',
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
  const error = await responseError(response(401, ''), { ...inquiry, loggedIn: true })
  expect(error).toMatchObject({ message: 'docker.io refused library/nginx:1: not found, or no access' })
})

test('a host that the registry sent us to is named', async () => {
  const url = new URL('https://cdn.example/x?signature=secret')
  const error = await responseError({ ...response(500, ''), url }, inquiry)
  expect(error.message).toBe('cdn.example (for docker.io) answered 500 when asked for library/nginx:1')
})

test('a 404 with a web page comes with the doubt whether this is a registry', async () => {
  const error = await responseError(response(404, page), inquiry)
  expect(error).toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('not a registry') })
})

describe('a rate limit', () => {
  test('is told with its numbers', async () => {
    const headers = {
      'ratelimit-limit': '100;w=21600',
      'ratelimit-remaining': '0;w=21600',
      'retry-after': '3600',
    }
    expect(
      await responseError(response(429, spec('toomanyrequests', 'slow down'), headers), inquiry),
    ).toMatchObject({
      message:
        'docker.io limits how much may be pulled (429) (TOOMANYREQUESTS: slow down); the limit is 100 in 6 h, 0 left',
      hint: 'come back in 3600 seconds, or log in, which raises the limit of many registries',
    })
  })

  test.each([
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'come back after Wed, 21 Oct 2026 07:28:00 GMT'],
    [undefined, 'come back later'],
  ])('that says %s hints so', async (value, hint) => {
    const error = await responseError(response(429, '', { 'retry-after': value }), {
      ...inquiry,
      loggedIn: true,
    })
    expect(error.hint).toBe(hint)
  })
})

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
