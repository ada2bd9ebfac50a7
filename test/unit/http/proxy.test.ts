import { expect, test } from 'vitest'
import { createProxyResolver } from '../../../src/http/proxy.ts'

const proxied = (url: string, none = '') =>
  createProxyResolver({ https: 'http://secure:3128', http: 'http://plain:3128', none })(new URL(url))?.url
    .host ?? 'direct'

test.each([
  ['https://r.example/', 'secure:3128'],
  ['http://r.example/', 'plain:3128'],
  ['https://localhost:5000/', 'direct'],
  ['http://127.0.0.1:5000/', 'direct'],
  ['http://[::1]:5000/', 'direct'],
  ['http://a.localhost/', 'direct'],
  ['http://localhost.evil.com/', 'plain:3128'],
])('without NO_PROXY, %s goes to %s', (url, expected) => {
  expect(proxied(url)).toBe(expected)
})

test.each([
  ['example.com', 'https://example.com/', 'direct'],
  ['example.com', 'https://sub.example.com/', 'direct'],
  ['example.com', 'https://notexample.com/', 'secure:3128'],
  ['.example.com', 'https://example.com/', 'secure:3128'],
  ['.example.com', 'https://a.b.example.com/', 'direct'],
  ['*.example.com', 'https://example.com/', 'secure:3128'],
  ['*.example.com', 'https://a.example.com/', 'direct'],
  ['*example.com', 'https://myexample.com/', 'secure:3128'],
  ['EXAMPLE.com', 'https://Example.COM/', 'direct'],
  ['example.com', 'https://example.com./', 'direct'],
  ['example.com.', 'https://example.com/', 'direct'],
  ['example.com:5000', 'https://example.com:5000/', 'direct'],
  ['example.com:5000', 'https://example.com/', 'secure:3128'],
  ['example.com:443', 'https://example.com/', 'direct'],
  ['example.com:80', 'http://sub.example.com/', 'direct'],
  ['a.example, example.com ,b.example', 'https://example.com/', 'direct'],
  ['a.example example.com', 'https://example.com/', 'direct'],
  ['*', 'https://example.com/', 'direct'],
  ['foo,*', 'https://example.com/', 'direct'],
  ['bücher.example', 'https://xn--bcher-kva.example/', 'direct'],
  ['.xn--bcher-kva.example', 'https://a.bücher.example/', 'direct'],
  ['10.0.0.0/8', 'https://10.1.2.3/', 'direct'],
  ['10.0.0.0/8', 'https://11.1.2.3/', 'secure:3128'],
  ['10.0.0.0/8', 'https://[::ffff:10.1.2.3]/', 'direct'],
  ['10.0.0.0/8', 'https://10.example.com/', 'secure:3128'],
  ['10.0.0.0/99', 'https://10.0.0.0/', 'secure:3128'],
  ['10.1.2.3', 'https://10.1.2.3/', 'direct'],
  ['10.1.2.3:5000', 'https://10.1.2.3:5000/', 'direct'],
  ['10.1.2.3:5000', 'https://10.1.2.3/', 'secure:3128'],
  ['::ffff:10.1.2.3', 'https://10.1.2.3/', 'direct'],
  ['2001:db8::1', 'https://[2001:db8::1]/', 'direct'],
  ['[2001:db8::1]', 'https://[2001:DB8:0::1]/', 'direct'],
  ['[2001:db8::1]:5000', 'https://[2001:db8::1]:5000/', 'direct'],
  ['[2001:db8::1]:5000', 'https://[2001:db8::1]/', 'secure:3128'],
  ['2001:db8::/32', 'https://[2001:db8:1::5]/', 'direct'],
  ['fd00::/8', 'https://[2001:db8::1]/', 'secure:3128'],
  [':5000,,', 'https://example.com:5000/', 'secure:3128'],
])('NO_PROXY=%s: %s goes to %s', (none, url, expected) => {
  expect(proxied(url, none)).toBe(expected)
})

test.each([
  ['http://proxy:3128', 'http://proxy:3128/', undefined],
  ['proxy:3128', 'http://proxy:3128/', undefined],
  ['proxy', 'http://proxy/', undefined],
  ['user:pass@proxy:3128', 'http://proxy:3128/', 'user:pass'],
  ['https://proxy:3129/', 'https://proxy:3129/', undefined],
  ['HTTP://proxy:3128', 'http://proxy:3128/', undefined],
  ['http://user:p%40ss%3Aw%C3%B6rd%2F1@proxy:3128/x', 'http://proxy:3128/', 'user:p@ss:wörd/1'],
  ['http://user@proxy:3128', 'http://proxy:3128/', 'user:'],
  ['http://user:100%@proxy:3128', 'http://proxy:3128/', 'user:100%'],
  ['http://[2001:db8::1]:3128', 'http://[2001:db8::1]:3128/', undefined],
])('the proxy setting %s is understood', (setting, url, credentials) => {
  const proxy = createProxyResolver({ https: setting })(new URL('https://r.example/'))
  expect(proxy?.url.href).toBe(url)
  const encoded = proxy?.authorization?.replace(/^Basic /, '')
  expect(encoded && Buffer.from(encoded, 'base64').toString()).toBe(credentials)
})

test('an https URL does not go through a proxy that is for http only', () => {
  expect(createProxyResolver({ http: 'http://plain:3128' })(new URL('https://r.example/'))).toBeUndefined()
})

test.each([undefined, '', ' '])('an empty setting (%j) is no proxy', (https) => {
  expect(createProxyResolver({ https })(new URL('https://r.example/'))).toBeUndefined()
})

test.each(['socks5://proxy:1080', 'socks5h://user:hunter2@proxy', 'socks4://proxy:1', 'SOCKS://proxy:1'])(
  'a SOCKS proxy (%s) is refused when it is needed, and only then',
  (https) => {
    const proxyFor = createProxyResolver({ https, none: 'internal.example' })
    expect(proxyFor(new URL('https://internal.example/'))).toBeUndefined()
    expect(() => proxyFor(new URL('https://r.example/'))).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining('dray does not speak SOCKS yet'),
      }),
    )
  },
)

test.each([
  'http://user:p#hunter2@proxy:3128',
  'ftp://proxy:21',
  'http://',
  'http://proxy:99999',
  'http://pro xy',
])('a proxy setting that is no http address (%s) is a usage error that does not repeat it', (https) => {
  const proxyFor = createProxyResolver({ https })
  expect(() => proxyFor(new URL('https://r.example/'))).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining('hunter2') }),
  )
})
