import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { parseChallenges } from '../../src/auth/challenge.ts'
import { checkRealm } from '../../src/auth/realm.ts'
import { fetchToken } from '../../src/auth/token.ts'
import { formatRateLimit, rateLimitError, rateLimitOf } from '../../src/http/rate-limit.ts'
import { followRedirects } from '../../src/http/redirect.ts'
import { retryAfter } from '../../src/http/retry.ts'
import { serverWords } from '../../src/http/server-words.ts'
import type { HttpResponse } from '../../src/http/transport.ts'
import { contentCoding } from '../../src/registry/content-coding.ts'
import { parseContentRange } from '../../src/registry/content-range.ts'
import { responseError } from '../../src/registry/registry-response.ts'
import { tellWarnings } from '../../src/registry/warning-header.ts'
import { deepJson, hostileText, json, repetitive, textLike } from './arbitraries.ts'
import { property, unlessRefused, unlessRejected, unprintable } from './property.ts'

const challengePieces = [
  'Bearer',
  'Basic',
  'realm',
  'service',
  'scope',
  '=',
  '"',
  '\\"',
  '\\',
  ',',
  ' ',
  'https://auth.example/token',
]

const challenges = [
  'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:app:pull"',
  'Basic realm="a \\"quoted\\" one", Bearer realm=https://auth.example/token',
  'Negotiate, Basic realm=""',
]

const anyChallenge = textLike(challenges, challengePieces)

const rangePieces = ['bytes', ' ', '=', '-', '/', '*', '0', '9', '1e9', '99999999999999999999']

const datePieces = ['Wed, 21 Oct 2015 07:28:00 GMT', 'GMT', 'Sun', ', ', '120', '-1', '1e3', '9'.repeat(400)]

const realms = [
  'https://auth.example/token',
  'http://127.0.0.1/',
  'https://[::1]/',
  'https://10.0.0.1/',
  'https://169.254.169.254/',
]
const urlPieces = [
  'https://',
  'http:',
  'HTTP',
  '//',
  '/',
  '\\',
  '\t',
  'user:secret-1234@',
  '@',
  'host',
  ':',
  '443',
  '?a=b',
  '#c',
  '[::1]',
  '127.1',
  '%',
  'ftp:',
  'javascript:',
]

const errorKeys = [
  'errors',
  'error',
  'code',
  'message',
  'detail',
  'details',
  'error_description',
  'errorCode',
  'errorMessage',
]
const tokenKeys = ['token', 'access_token', 'expires_in', 'issued_at', 'refresh_token', ...errorKeys]

const shells = [
  ['[', ']'],
  ['{"errors":', '}'],
  ['{"errors":[', ']}'],
  ['{"error":', '}'],
  ['{"a":', '}'],
] as const

const bodies = fc.oneof(
  {
    weight: 4,
    arbitrary: json(errorKeys, ['MANIFEST_UNKNOWN', 'denied']).map((value) => JSON.stringify(value)),
  },
  { weight: 2, arbitrary: json(tokenKeys, ['abc', 300]).map((value) => JSON.stringify(value)) },
  {
    weight: 3,
    arbitrary: textLike(
      [
        '<!doctype html><html><head><title>Log in</title></head><body>first</body></html>',
        '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>',
        '{"errors":[{"code":"DENIED","message":"no"}]}',
      ],
      [
        '<title>',
        '</title>',
        '<html',
        '<Error>',
        '<Code>',
        '</',
        '<script',
        '<!--',
        '-->',
        '&nbsp;',
        '{"errors":[',
        '"',
      ],
    ),
  },
  { weight: 1, arbitrary: deepJson(shells) },
)

const types = fc.constantFrom(
  undefined,
  'application/json',
  'text/html',
  ' TEXT/HTML; charset=x',
  'text/plain',
)

const root = new URL('https://registry.example/v2/')

function answer(body: string, headers: HttpResponse['headers'] = {}, status = 200): HttpResponse {
  return { status, headers, body: Readable.from([Buffer.from(body)], { objectMode: false }), url: root }
}

export const answerProperties = [
  property(
    'a challenge is read into schemes and values, whatever it is',
    [fc.oneof(anyChallenge, fc.array(anyChallenge, { maxLength: 3 }))],
    (header) => {
      for (const { scheme, parameters } of parseChallenges(header)) {
        assert.match(scheme, /^[^\s,="]+$/)
        assert.equal(scheme, scheme.toLowerCase())
        for (const value of Object.values(parameters)) assert.equal(typeof value, 'string')
      }
    },
  ),
  property(
    'a challenge as the RFC writes it is read as it was meant',
    [
      fc.array(
        fc.tuple(
          fc.stringMatching(/^[A-Za-z]{1,8}$/),
          fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,6}$/), hostileText), {
            minLength: 1,
            maxLength: 3,
          }),
        ),
        { maxLength: 3 },
      ),
    ],
    (offers) => {
      const header = offers
        .map(([scheme, pairs]) => {
          const parameters = pairs.map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
          return `${scheme} ${parameters.join(', ')}`
        })
        .join(', ')
      const expected = offers.map(([scheme, pairs]) => [scheme.toLowerCase(), Object.fromEntries(pairs)])
      const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters])
      assert.deepEqual(found, expected)
    },
  ),
  property(
    'a token server is asked only where it may be, and its user is not repeated',
    [textLike(realms, urlPieces), fc.constantFrom('https://registry.example/v2/', 'http://127.0.0.1/v2/')],
    (realm, origin) => {
      const url = unlessRefused(() => checkRealm(realm, new URL(origin), 'registry.example'))
      if (!url) return
      assert.match(url.protocol, /^https?:$/)
      assert.equal(url.username + url.password, '')
      assert.ok(url.protocol === 'https:' || origin.startsWith('http:'))
    },
  ),
  property(
    'an answer of a token server is a token that can stand in a header, or an error',
    [
      fc.oneof(
        bodies,
        json(tokenKeys, ['abc', 'a\nb', 300]).map((value) => JSON.stringify(value)),
      ),
      types,
    ],
    async (body, type) => {
      const headers = type === undefined ? {} : { 'content-type': type }
      const transport = async () => answer(body, headers)
      const request = {
        registry: 'registry.example',
        origin: root,
        realm: 'https://auth.example/token',
        scopes: [],
        now: () => 0,
      }
      const token = await unlessRejected(fetchToken(transport, request))
      if (!token) return
      assert.match(token.value, /^[\x21-\x7e]+$/)
      assert.ok(token.expiresAt > 0)
    },
    { examples: [['{"token":"a","expires_in":{"valueOf":1,"toString":1}}', undefined]] },
  ),
  property(
    'Content-Range is a range within a whole, or nothing',
    [textLike(['bytes 0-9/10', 'bytes=5-7/*'], rangePieces)],
    (header) => {
      const range = parseContentRange(header)
      if (!range) return
      const { start, end, total = Number.POSITIVE_INFINITY } = range
      for (const number of [start, end]) assert.ok(Number.isSafeInteger(number))
      assert.ok(0 <= start && start <= end && end < total)
    },
  ),
  property(
    'Retry-After is a time to come, in words that make sense, or nothing',
    [textLike(datePieces, datePieces), fc.option(textLike(datePieces, datePieces))],
    (after, date) => {
      const headers = { 'retry-after': after, ...(date !== null && { date }) }
      const wait = retryAfter({ headers })
      if (wait !== undefined) assert.ok(Number.isFinite(wait) && wait > 0)
      const words = { codes: [], text: '', isWebPage: false, isFromRegistry: false }
      const { hint } = rateLimitError('it', { headers }, words, { registry: 'r', loggedIn: true })
      assert.doesNotMatch(String(hint), /Infinity|NaN|e\+/)
    },
    { examples: [['9'.repeat(400), null]] },
  ),
  property(
    'a rate limit is numbers and a name that can be printed',
    [textLike(['100;w=21600', '76;w=60'], ['100', ';', 'w=', '9'.repeat(30), '-']), hostileText],
    (limit, source) => {
      const headers = {
        'ratelimit-limit': limit,
        'ratelimit-remaining': limit,
        'docker-ratelimit-source': source,
      }
      const found = rateLimitOf({ headers })
      if (!found) return
      assert.ok(Number.isSafeInteger(found.limit))
      assert.doesNotMatch(formatRateLimit(found), unprintable)
    },
  ),
  property(
    'a Warning header becomes lines that can be printed',
    [textLike(['299 - "deprecated"', '299 - "a", 299 - "b \\" c"'], ['299', ' - ', '"', '\\', ',', ' '])],
    async (warning) => {
      const said: string[] = []
      const next = tellWarnings((message) => said.push(message))(async () => answer('', { warning }))
      await next({ method: 'GET', url: root, purpose: 'ping' })
      for (const line of said) assert.doesNotMatch(line, unprintable)
    },
  ),
  property(
    'a redirect is followed to an address of the web without a login, or not at all',
    [textLike([...realms, '/v2/x', '//host/x'], urlPieces)],
    async (location) => {
      const asked: URL[] = []
      const hop = followRedirects()(async ({ url }) => {
        asked.push(url)
        return asked.length > 1 ? answer('') : answer('', { location }, 307)
      })
      const secret = { authorization: 'Bearer secret' }
      await unlessRejected(hop({ method: 'GET', url: root, purpose: 'blob', headers: secret }))
      // What is not wanted is still read to its end.
      await nextTurn()
      for (const { protocol, username, password } of asked.slice(1)) {
        assert.deepEqual([protocol, username, password], ['https:', '', ''])
      }
    },
  ),
  property(
    'the words of a server are few and can be printed',
    [bodies, types],
    (body, type) => {
      const { codes, text } = serverWords(Buffer.from(body), type)
      assert.ok(text.length <= 200 && codes.every((code) => code.length <= 50))
      assert.doesNotMatch(text, unprintable)
      for (const code of codes) assert.doesNotMatch(code, unprintable)
    },
    {
      examples: [
        [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, undefined],
        [`${'{"error":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'application/json'],
      ],
    },
  ),
  property(
    'an answer without the wanted content becomes an error that can be printed',
    [
      bodies,
      types,
      fc.constantFrom(400, 401, 403, 404, 405, 410, 418, 429, 500, 511),
      fc.option(hostileText),
    ],
    async (body, type, status, other) => {
      const headers = {
        ...(type !== undefined && { 'content-type': type }),
        ...(other !== null && { server: other, via: other, 'x-cache': other, 'www-authenticate': other }),
      }
      const inquiry = {
        registry: 'registry.example',
        what: 'app:1',
        kind: 'manifest',
        loggedIn: false,
      } as const
      const error = await responseError(answer(body, headers, status), inquiry)
      await unlessRejected(Promise.reject(error))
      assert.ok(error.message.length < 1000)
    },
  ),
  property(
    'a body is coded once by gzip, or not at all, or refused',
    [textLike(['gzip', 'identity', 'gzip, gzip', 'br'], ['gzip', ',', ' ', 'x-', 'deflate'])],
    async (coding) => {
      const found = unlessRefused(() => contentCoding(answer('', { 'content-encoding': coding })))
      // What is refused is still read to its end.
      await nextTurn()
      if (found === 'gzip') assert.match(coding.trim(), /^(x-)?gzip$/i)
    },
  ),
  property(
    'headers and words of any length are answered at once',
    [
      repetitive(
        [
          ...challengePieces,
          ...rangePieces,
          ...datePieces,
          ...urlPieces,
          '299 - "',
          '<title',
          '<head',
          '</head',
          '&nbsp;',
          '<!--',
          '<Error>',
          '{"errors":',
          '[',
          '\n',
        ],
        64_000,
      ),
    ],
    async (text) => {
      parseChallenges(text)
      parseContentRange(text)
      retryAfter({ headers: { 'retry-after': text, date: text } })
      serverWords(Buffer.from(text), 'text/html')
      serverWords(Buffer.from(text), undefined)
      unlessRefused(() => checkRealm(text, root, 'registry.example'))
      await tellWarnings(() => {})(async () => answer('', { warning: text }))({
        method: 'GET',
        url: root,
        purpose: 'ping',
      })
    },
    { share: 0.5 },
  ),
]
