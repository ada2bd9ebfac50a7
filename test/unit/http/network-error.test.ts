import { errors } from 'undici'
import { describe, expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { codedError } from '../../../src/http/failures.ts'
import { type Handshake, noteHandshake } from '../../../src/http/handshake.ts'
import { abortError, isRefused, notTls, retryClass, toNetworkError } from '../../../src/http/network-error.ts'

const where = { url: new URL('https://r.example:5000/v2/'), purpose: 'manifest' } as const

const withCode = (code: string) => codedError(code, `${code} happened`)

const parserError = new errors.HTTPParserError('Expected HTTP/')
const tlsAlert = Object.assign(new errors.HTTPParserError('Expected HTTP/'), {
  data: '\x15\x03\x01\x00\x02\x02F',
})

test.each([
  ['manifest', /^check the spelling; .*--proxy/],
  ['blob', /^the registry names that host.*--proxy/],
  ['token', /^the registry names that host.*--proxy/],
  ['proxy', /^check the spelling of the proxy/],
] as const)('who is asked to look at an unknown name depends on who wrote it: %s', (purpose, hint) => {
  const error = toNetworkError(withCode('ENOTFOUND'), { ...where, purpose })
  expect(error.hint).toMatch(hint)
})

describe('a failure is told in plain words, with a hint that fits it', () => {
  test.each([
    [withCode('ENOTFOUND'), 'NETWORK', 'once', /registry r\.example:5000 was not found/, /spelling.*--proxy/],
    [withCode('EAI_AGAIN'), 'NETWORK', 'transient', /could not be looked up/, /DNS/],
    [
      withCode('ECONNREFUSED'),
      'NETWORK',
      'transient',
      /registry r\.example:5000 refused the connection/,
      /port is right/,
    ],
    [withCode('EHOSTUNREACH'), 'NETWORK', 'transient', /cannot be reached/, /--proxy/],
    [withCode('ENETUNREACH'), 'NETWORK', 'transient', /cannot be reached/, /--proxy/],
    [withCode('ETIMEDOUT'), 'NETWORK', 'transient', /did not answer in time/, /firewall.*--proxy/],
    [withCode('ECONNRESET'), 'NETWORK', 'transient', /closed the connection too early/, undefined],
    [withCode('EPIPE'), 'NETWORK', 'transient', /closed the connection too early/, undefined],
    [withCode('HTTP_503'), 'NETWORK', 'transient', /answered HTTP_503/, undefined],
    [withCode('HTTP_501'), 'NETWORK', 'never', /HTTP_501/, undefined],
    [new errors.SocketError('other side closed'), 'NETWORK', 'transient', /closed the connection/, undefined],
    [new errors.HeadersTimeoutError(), 'NETWORK', 'transient', /did not answer in time/, /--timeout/],
    [new errors.BodyTimeoutError(), 'NETWORK', 'transient', /stopped sending/, undefined],
    [new errors.ConnectTimeoutError(), 'NETWORK', 'transient', /no connection/, /firewall/],
    [new errors.HeadersOverflowError(), 'NETWORK', 'never', /more headers/, undefined],
    [new errors.ResponseContentLengthMismatchError(), 'NETWORK', 'never', /not in valid HTTP/, undefined],
    [parserError, 'NETWORK', 'never', /not in valid HTTP/, undefined],
    [tlsAlert, 'TLS', 'never', /speaks TLS, and was asked in plain http/, /leave out --plain-http/],
    [withCode('BODY_TOO_SLOW'), 'NETWORK', 'transient', /sent too slowly: BODY_TOO_SLOW happened/, undefined],
    [withCode('HPE_INVALID_CONSTANT'), 'NETWORK', 'never', /not in valid HTTP/, undefined],
    [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), 'TLS', 'never', /does not speak TLS/, /--plain-http/],
    [withCode('ERR_SSL_PACKET_LENGTH_TOO_LONG'), 'TLS', 'never', /does not speak TLS/, /--plain-http/],
    [withCode('CERT_HAS_EXPIRED'), 'TLS', 'never', /has expired/, /renew/],
    [withCode('CERT_NOT_YET_VALID'), 'TLS', 'never', /not valid yet/, /clock/],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS', 'never', /for other names/, /spelling/],
    [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), 'TLS', 'never', /self-signed/, /--ca FILE/],
    [withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'TLS', 'never', /self-signed/, /--ca FILE/],
    [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'TLS', 'never', /unknown CA.*incomplete/, /--ca FILE/],
    [withCode('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'TLS', 'never', /unknown CA.*incomplete/, /--ca FILE/],
    [withCode('CERT_REVOKED'), 'TLS', 'never', /not acceptable: CERT_REVOKED happened/, undefined],
    [withCode('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'), 'TLS', 'never', /only HTTP\/2/, undefined],
    [withCode('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'TLS', 'never', /older than 1\.2/, undefined],
    [
      withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
      'TLS',
      'never',
      /wants a client certificate/,
      /--cert FILE/,
    ],
    [
      withCode('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'),
      'TLS',
      'never',
      /no TLS connection/,
      /may want a client certificate.*--cert FILE/,
    ],
    [withCode('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), 'TLS', 'never', /no TLS connection/, /--cert FILE/],
    [withCode('ERR_SSL_TLSV1_UNRECOGNIZED_NAME'), 'TLS', 'never', /serves no host of that name/, /spelling/],
    [withCode('ERR_SSL_DH_KEY_TOO_SMALL'), 'TLS', 'never', /too old to be safe/, /renew/],
    [
      withCode('ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED'),
      'TLS',
      'never',
      /too old to be safe/,
      /inspects TLS/,
    ],
    [withCode('EPROTO'), 'TLS', 'never', /no TLS connection/, undefined],
    [new errors.RequestAbortedError(), 'ABORTED', 'never', /cancelled/, undefined],
    [new errors.ClientDestroyedError(), 'ABORTED', 'never', /cancelled/, undefined],
    [new DOMException('stop', 'AbortError'), 'ABORTED', 'never', /cancelled/, undefined],
    [new Error('odd'), 'NETWORK', 'never', /failed: odd/, undefined],
  ])('%s', (error, code, retry, message, hint) => {
    const told = toNetworkError(error, where)
    expect(told).toMatchObject({ code, message: expect.stringMatching(message), cause: error })
    expect(told.message).toContain('r.example:5000')
    if (hint) expect(told.hint).toMatch(hint)
    else expect(told.hint).toBeUndefined()
    expect(retryClass(error)).toBe(retry)
    expect(retryClass(told)).toBe(retry)
    expect(retryClass(new Error('wrapped', { cause: error }))).toBe(retry)
  })
})

test.each([
  ['manifest', 'the registry r.example:5000'],
  ['ping', 'the registry r.example:5000'],
  ['token', 'the token server r.example:5000'],
  ['blob', 'the server r.example:5000'],
  ['proxy', 'the proxy r.example:5000'],
] as const)('a failed %s request was to %s', (purpose, peer) => {
  expect(toNetworkError(withCode('ECONNRESET'), { ...where, purpose }).message).toContain(peer)
})

test('a failure behind a proxy names the proxy too', () => {
  const told = toNetworkError(withCode('ECONNRESET'), { ...where, via: new URL('http://proxy:3128') })
  expect(told.message).toContain('r.example:5000 (through the proxy proxy:3128)')
})

test('when all addresses of a name fail, each is listed and the telling error decides', () => {
  const attempt = (code: string, address: string) => Object.assign(withCode(code), { address, port: 5000 })
  const error = new AggregateError([
    attempt('ENETUNREACH', '2001:db8::1'),
    attempt('ECONNREFUSED', '192.0.2.1'),
  ])
  const told = toNetworkError(error, where)
  expect(told.message).toContain('refused the connection (tried 2001:db8::1, 192.0.2.1)')
  expect(isRefused(told)).toBe(true)
})

test('an expired certificate shows its dates and the local clock, a wrong one its names, an unknown one its issuer', () => {
  const certificate = {
    valid_from: 'Jan  1 00:00:00 2020 GMT',
    valid_to: 'Feb  1 00:00:00 2020 GMT',
    subjectaltname: 'DNS:other.example',
    issuer: { CN: 'Corp\x1b Root' },
  }
  const told = (code: string) =>
    toNetworkError(noteHandshake(withCode(code), { certificate } as never), where)
  expect(told('CERT_HAS_EXPIRED').message).toMatch(
    /valid from Jan 1 .* to Feb 1 00:00:00 2020 GMT.*clock here says \w{3}, \d\d/,
  )
  expect(told('ERR_TLS_CERT_ALTNAME_INVALID').message).toContain('DNS:other.example')
  expect(told('UNABLE_TO_VERIFY_LEAF_SIGNATURE').hint).toContain('"Corp\\u{1b} Root"')
})

test('when it is a CA of the chain that has expired, that is the one that is named', () => {
  const issuerCertificate = {
    valid_from: 'Jan  1 00:00:00 2000 GMT',
    valid_to: 'Jan  1 00:00:00 2020 GMT',
    subject: { CN: 'Old CA' },
  }
  const certificate = {
    valid_from: 'Jan  1 00:00:00 2000 GMT',
    valid_to: 'Jan  1 00:00:00 2190 GMT',
    issuerCertificate,
  }
  const error = noteHandshake(withCode('CERT_HAS_EXPIRED'), { certificate } as never)
  expect(toNetworkError(error, where).message).toMatch(
    /the CA "Old CA", which stands behind the registry r\.example:5000, has expired: it is valid .* to Jan 1 00:00:00 2020/,
  )
})

describe('a client certificate', () => {
  const alerts: readonly [string, string][] = [
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'the server finds it bad'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'the server finds it bad'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'the server does not know the CA that signed it'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'it has expired'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'it was revoked'],
    ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 'does not take certificates of its kind'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'the server finds it bad'],
  ]

  const told = (code: string, handshake: Handshake) =>
    toNetworkError(noteHandshake(withCode(code), handshake), where)

  test.each(alerts)('that was shown and answered with %s was refused: %s', (code, reason) => {
    expect(told(code, { clientCertificate: '/me.crt' })).toMatchObject({
      code: 'TLS',
      message: expect.stringMatching(`refused the client certificate /me.crt: .*${reason}`),
      hint: expect.stringContaining('certs.d/r.example:5000'),
    })
  })

  test.each(alerts)('is wanted by a server that says %s and was shown none', (code) => {
    expect(told(code, {})).toMatchObject({
      code: 'TLS',
      message: 'the registry r.example:5000 wants a client certificate',
      hint: expect.stringContaining('--cert FILE and --key FILE'),
    })
  })
})

describe('TLS that is inspected on the way', () => {
  const inspected = (
    url: string,
    code: string,
    certificate?: object,
    purpose: 'manifest' | 'proxy' = 'manifest',
  ) => toNetworkError(noteHandshake(withCode(code), { certificate } as never), { url: new URL(url), purpose })
  const byCompany = { issuer: { CN: 'Corp Inspection CA', O: 'Corp' } }

  test.each([
    ['https://registry-1.docker.io/v2/', 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['https://ghcr.io/v2/', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['https://europe-docker.pkg.dev/v2/', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ['https://mcr.microsoft.com/v2/', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('is recognised at %s by %s', (url, code) => {
    const { message, hint } = inspected(url, code, byCompany)
    expect(message).toContain(
      'a certificate by "Corp Inspection CA, Corp", which this machine does not trust',
    )
    expect(message).toContain('inspects TLS')
    expect(hint).toMatch(/"Corp Inspection CA, Corp".*--ca FILE.*NODE_EXTRA_CA_CERTS/)
  })

  test.each([
    ['a registry of one’s own', 'https://registry.corp:5000/v2/', byCompany, 'manifest'],
    ['a name that only looks like it', 'https://notghcr.io/v2/', byCompany, 'manifest'],
    ['a proxy', 'https://ghcr.io/', byCompany, 'proxy'],
    ['a certificate of which nothing is known', 'https://ghcr.io/v2/', undefined, 'manifest'],
  ] as const)('is not suspected of %s', (_, url, certificate, purpose) => {
    const { message } = inspected(url, 'SELF_SIGNED_CERT_IN_CHAIN', certificate, purpose)
    expect(message).toMatch(/a CA that this machine does not trust \(self-signed\)/)
  })
})

test('what is already explained stays as it is, also inside a wrapper', () => {
  const explained = new DrayError('PROXY_AUTH', 'the proxy wants a password')
  expect(toNetworkError(explained, where)).toBe(explained)
  expect(toNetworkError(new Error('not connected', { cause: explained }), where)).toBe(explained)
  expect(retryClass(explained)).toBe('never')
})

test.each([
  [toNetworkError(withCode('ERR_SSL_WRONG_VERSION_NUMBER'), where), true],
  [
    new DrayError('TLS', 'redirected', {
      cause: toNetworkError(withCode('ERR_SSL_PACKET_LENGTH_TOO_LONG'), where),
    }),
    true,
  ],
  [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), true],
  [toNetworkError(withCode('CERT_HAS_EXPIRED'), where), false],
  [toNetworkError(withCode('ECONNRESET'), where), false],
  [undefined, false],
])('%s: the other side speaks no TLS: %s', (error, expected) => {
  expect(notTls(error)).toBe(expected)
})

test('an aborted signal gives its own reason when that is ours, and ABORTED otherwise', () => {
  const reason = new DrayError('INTEGRITY', 'another blob was wrong')
  expect(abortError(AbortSignal.abort(reason))).toBe(reason)
  expect(abortError(AbortSignal.abort('stop'))).toMatchObject({ code: 'ABORTED', cause: 'stop' })
})
