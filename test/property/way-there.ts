import assert from 'node:assert/strict'
import type { DetailedPeerCertificate } from 'node:tls'
import fc from 'fast-check'
import type { DrayError } from '../../src/errors.ts'
import { identityOf, issuerOf, missingIssuer, validityOf } from '../../src/http/certificate-words.ts'
import type { ProxyServer } from '../../src/http/proxy.ts'
import { wrongKind } from '../../src/http/proxy-failure.ts'
import { forwarderRefusal, loginPage, type ProxyAnswer, proxyRefusal } from '../../src/http/proxy-refusal.ts'
import { hostileText, repetitive, textLike } from './arbitraries.ts'
import { property, unprintable } from './property.ts'

const proxies: readonly ProxyServer[] = [
  { url: new URL('http://proxy.example:3128') },
  { url: new URL('https://proxy.example'), authorization: 'Basic dTpw', from: 'HTTPS_PROXY' },
  { url: new URL('socks5://proxy.example:1080'), credentials: { username: 'u', password: 'p' } },
]

const challenges = ['Basic realm="a, b"', 'NTLM, Negotiate', 'Digest realm="x", qop="auth"', 'Basic, NTLM']
const challengePieces = ['Basic', 'NTLM', ' ', ',', 'realm=', '"', '\\', 'https://u:p@h/']
const text = fc.oneof(hostileText, textLike(challenges, challengePieces))
const header = fc.option(fc.oneof(text, fc.array(text, { maxLength: 3 })), { nil: undefined })

const answer: fc.Arbitrary<ProxyAnswer> = fc.record({
  statusMessage: fc.option(text, { nil: undefined }),
  headers: fc.record({
    location: header,
    server: fc.oneof(fc.constantFrom('squid', 'tinyproxy/1.11'), header),
    'content-type': fc.oneof(fc.constantFrom('text/html'), header),
    'proxy-authenticate': header,
    'www-authenticate': header,
    'x-squid-error': header,
  }),
})

function check(error: DrayError | undefined): void {
  if (!error) return
  const cause = error.cause instanceof Error ? error.cause.message : ''
  for (const said of [error.message, error.hint ?? '', cause]) {
    assert.doesNotMatch(said, unprintable)
    assert.ok(said.length < 2000)
  }
}

const name = fc.record({
  CN: fc.option(fc.oneof(text, fc.array(text, { maxLength: 2 })), { nil: undefined }),
  O: fc.option(text, { nil: undefined }),
})
const certificate = fc.record({ subject: name, issuer: name, valid_from: text, valid_to: text })

/** What stands between us and a registry: proxies, and the certificates that are shown on the way. */
export const wayThereProperties = [
  property(
    'an answer of a proxy becomes an error that can be printed',
    [fc.constantFrom(...proxies), fc.integer({ min: 100, max: 599 }), answer],
    (proxy, status, given) => {
      const request = { method: 'GET', url: new URL('http://reg.example/v2/'), headers: {}, purpose: 'api' }
      check(proxyRefusal(proxy, 'reg.example:443', status, given))
      check(loginPage(proxy, status, given))
      check(forwarderRefusal(proxy, request as never, status, given))
    },
  ),
  property(
    'whatever a proxy speaks instead becomes an error that can be printed',
    [
      fc.constantFrom(...proxies),
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        text.map((said) => Buffer.from(said)),
      ),
    ],
    (proxy, bytes) => check(wrongKind(proxy, bytes)),
  ),
  property('what a certificate says of itself can be printed', [certificate], (given) => {
    const peer = given as unknown as DetailedPeerCertificate
    for (const said of [identityOf(peer), issuerOf(peer), missingIssuer(peer), validityOf(peer)]) {
      assert.doesNotMatch(said ?? '', unprintable)
      assert.ok((said ?? '').length < 500)
    }
  }),
  property(
    'proxies and certificates of any length are described at once',
    [repetitive([...challengePieces, ', ', '="'])],
    (long) => {
      const headers = { 'proxy-authenticate': long, location: long, 'x-squid-error': long }
      for (const proxy of proxies) {
        check(proxyRefusal(proxy, 'reg.example:443', 407, { statusMessage: long, headers }))
        check(loginPage(proxy, 302, { statusMessage: long, headers }))
        check(wrongKind(proxy, Buffer.from(long)))
      }
      identityOf({ subject: { CN: long }, issuer: { O: long } } as never)
    },
    { examples: [[`Basic${' '.repeat(64_000)}`]] },
  ),
]
