import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describeError, explainError } from '../../src/cli/explain-error.ts'
import { describeEvent } from '../../src/cli/progress/describe-event.ts'
import { toJson } from '../../src/cli/to-json.ts'
import { DrayError, quote } from '../../src/errors.ts'
import { redactHeaders, redactUrl, redactUrlsIn } from '../../src/http/redact.ts'
import { sanitize } from '../../src/http/sanitize.ts'
import { hideSecrets, secretsIn, secretsOf } from '../../src/http/secrets.ts'
import { hostileText, json, repetitive, textLike } from './arbitraries.ts'
import { property, unprintable } from './property.ts'

const urlPieces = [
  'https://',
  'http:',
  '//',
  '/',
  '\\',
  '\t',
  '@',
  'host',
  ':',
  '443',
  '?',
  '&',
  '=',
  '#',
  'scope=a',
  'sig=b',
  '"',
  "'",
  ' ',
  '<',
]
const urls = [
  'https://registry.example/v2/app/manifests/1?ns=docker.io&X-Amz-Signature=abc#top',
  'see https://a.example/?x=1, and http://b.example/#y.',
  '/v2/app/blobs/sha256:00?sig=abc',
]

const anyText = fc.oneof(hostileText, textLike(urls, urlPieces))

const secret = 'hunter2-and-more'

/** What the URL standard reads as a user and a password, however it is written. */
const urlWithLogin = fc
  .tuple(
    fc.constantFrom('https:', 'http:', 'HTTPS:', 'ftp:', ''),
    fc.constantFrom('//', '\\\\', '/\\', '///', '/', '', '////', '\\'),
    fc.oneof(fc.constantFrom('', 'user:', ':', 'a@b:', 'user:x@'), fc.webUrl().map(encodeURIComponent)),
    fc.constantFrom('@host.example', '@@host.example', '@host.example:99/a@b', '@[::1]/', '@host\\a@b?c@d'),
  )
  .map(([scheme, slashes, user, rest]) => `${scheme}${slashes}${user}${secret}${rest}`)
  .filter((text) => URL.canParse(text, 'gopher://base.example/'))
  .filter((text) => {
    const { username, password } = new URL(text, 'gopher://base.example/')
    return `${username}:${password}`.includes(secret)
  })

export const printingProperties = [
  property(
    'what is sanitized can be printed, is short, and stays as it is when sanitized again',
    [anyText, fc.nat(300)],
    (text, limit) => {
      const safe = sanitize(text, limit + 1)
      assert.doesNotMatch(safe, unprintable)
      assert.ok(safe.length <= limit + 1)
      assert.equal(sanitize(safe, limit + 1), safe)
    },
  ),
  property('what is quoted can be printed', [anyText], (text) => {
    assert.doesNotMatch(quote(text), unprintable)
    assert.ok(quote(text).length < 2000)
  }),
  property(
    'one line of JSON can be printed, and is read back as what it was',
    [json(['a', 'message'])],
    (value) => {
      const line = toJson(value)
      assert.doesNotMatch(line, unprintable)
      assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)))
    },
  ),
  property(
    'a URL that is redacted can be printed, and stays as it is when redacted again',
    [anyText],
    (text) => {
      const once = redactUrl(text)
      assert.doesNotMatch(once, unprintable)
      // What is cut is another text, and where a host is left out what follows it may be another login.
      if (text.length > 300 || text.includes('@')) return
      assert.equal(redactUrl(once), once)
      const twice = redactUrlsIn(redactUrlsIn(text))
      assert.equal(twice, redactUrlsIn(text))
    },
  ),
  property('no user and no password in a URL survive', [urlWithLogin, anyText], (url, before) => {
    assert.doesNotMatch(redactUrl(url), /hunter2/)
    const { href } = new URL(url, 'gopher://base.example/')
    assert.doesNotMatch(redactUrlsIn(`${before} ${href}`), /hunter2/)
    const headers = redactHeaders({ location: url, 'x-from': `see ${href}` })
    assert.doesNotMatch(JSON.stringify(headers), /hunter2/)
  }),
  property(
    'headers that are told can be printed and hold no secret',
    [
      fc.dictionary(
        fc.oneof(
          hostileText,
          fc.constantFrom('Authorization', 'Set-Cookie', 'X-Registry-Auth', 'x-my-token'),
        ),
        fc.oneof(anyText, fc.array(anyText, { maxLength: 3 })),
        { maxKeys: 5 },
      ),
    ],
    (headers) => {
      for (const [name, value] of Object.entries(redactHeaders(headers))) {
        assert.doesNotMatch(name + value, unprintable)
        if (/^(authorization|set-cookie|x-registry-auth|x-my-token)$/i.test(name)) assert.equal(value, '***')
      }
    },
  ),
  property(
    'what a request carries is found and hidden, whatever it is',
    [hostileText, hostileText],
    (password, text) => {
      const login = Buffer.from(`user:${password}`).toString('base64')
      const secrets = [
        ...secretsIn({
          headers: { authorization: `Basic ${login}`, 'x-key': text },
          body: `refresh_token=${text}`,
        }),
        ...secretsOf(text),
      ]
      const hidden = hideSecrets(`you sent ${login}`, secrets)
      assert.ok(!hidden.includes(login))
    },
  ),
  property(
    'an error is told in lines that can be printed',
    [anyText, anyText, fc.boolean(), fc.boolean()],
    (message, hint, isBug, debug) => {
      const cause = new Error(hint)
      const error = isBug ? new Error(message, { cause }) : new DrayError('NETWORK', message, { hint, cause })
      for (const line of explainError(error, { debug }).split('\n')) assert.doesNotMatch(line, unprintable)
      for (const text of Object.values(describeError(error))) assert.doesNotMatch(String(text), unprintable)
    },
  ),
  property('an event is told in one line that can be printed', [anyText, anyText], (what, reason) => {
    const retry = { type: 'retry', what, reason, attempt: 1, attempts: 2, delay: 5 } as const
    const warning = { type: 'warning', message: what } as const
    for (const event of [retry, warning]) assert.doesNotMatch(describeEvent(event) ?? '', unprintable)
  }),
  property(
    'a text of any length is printed at once',
    [repetitive([...urlPieces, 'a', 'a-', '.', '\n', '\r\n', '\x1b', '\u202e'], 64_000)],
    (text) => {
      sanitize(text)
      quote(text)
      redactUrl(text)
      redactUrlsIn(text)
      redactHeaders({ location: text, 'x-from': text })
      explainError(new DrayError('NETWORK', text.slice(0, 10_000)), { debug: false })
    },
    { share: 0.5, examples: [['a-'.repeat(32_000)], [`ftp:${'\t'.repeat(50_000)}`]] },
  ),
]
