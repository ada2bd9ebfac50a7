import { expect, test } from 'vitest'
import { createProxyResolver, isTunnelled } from '../../../src/http/proxy.ts'

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
  ['::ffff:10.0.0.0/104', 'https://10.1.2.3/', 'direct'],
  ['::ffff:10.0.0.0/95', 'https://10.1.2.3/', 'secure:3128'],
  ['10.0.0.0/33', 'https://10.0.0.0/', 'secure:3128'],
  ['.example.com:5000', 'https://a.example.com:5000/', 'direct'],
  ['.example.com:5000', 'https://a.example.com/', 'secure:3128'],
  ['.example.com.', 'https://a.example.com./', 'direct'],
  ['bücher.example:5000', 'https://bücher.example:5000/', 'direct'],
  ['BÜCHER.example', 'https://a.bücher.example/', 'direct'],
])('NO_PROXY=%s: %s goes to %s', (none, url, expected) => {
  expect(proxied(url, none)).toBe(expected)
})

const chosen = (https: string) => createProxyResolver({ https })(new URL('https://r.example/'))

test.each([
  ['http://proxy:3128', 'http://proxy:3128/', undefined],
  ['proxy:3128', 'http://proxy:3128/', undefined],
  ['proxy', 'http://proxy/', undefined],
  ['proxy/', 'http://proxy/', undefined],
  ['user:pass@proxy:3128', 'http://proxy:3128/', 'user:pass'],
  ['https://proxy:3129/', 'https://proxy:3129/', undefined],
  ['HTTP://PROXY:3128', 'http://proxy:3128/', undefined],
  ['http://user:p%40ss%3Aw%C3%B6rd%2F1@proxy:3128/x', 'http://proxy:3128/', 'user:p@ss:wörd/1'],
  ['http://user@proxy:3128', 'http://proxy:3128/', 'user:'],
  ['http://user:@proxy:3128', 'http://proxy:3128/', 'user:'],
  ['http://:pass@proxy:3128', 'http://proxy:3128/', ':pass'],
  ['http://user:p@ss@proxy:3128', 'http://proxy:3128/', 'user:p@ss'],
  ['http://user:100%@proxy:3128', 'http://proxy:3128/', 'user:100%'],
  ['http://user:100%%40x%e4@proxy:3128', 'http://proxy:3128/', 'user:100%@x%e4'],
  ['http://[2001:db8::1]:3128', 'http://[2001:db8::1]:3128/', undefined],
])('the http proxy %s is understood', (setting, url, credentials) => {
  const proxy = chosen(setting)
  expect(proxy?.url.href).toBe(url)
  const encoded = proxy?.authorization?.replace(/^Basic /, '')
  expect(encoded && Buffer.from(encoded, 'base64').toString()).toBe(credentials)
  expect(proxy).not.toHaveProperty('credentials')
})

test.each([
  ['socks5://proxy:1080', 'socks5://proxy:1080', undefined],
  ['socks5h://PROXY:80/', 'socks5://proxy:80', undefined],
  ['SOCKS://proxy', 'socks5://proxy:1080', undefined],
  ['socks5://[2001:DB8::1]:9', 'socks5://[2001:db8::1]:9', undefined],
  ['socks5://bücher.example', 'socks5://xn--bcher-kva.example:1080', undefined],
  [
    'socks5h://us%20er:p%40ss%3A%C3%B6@proxy',
    'socks5://proxy:1080',
    { username: 'us er', password: 'p@ss:ö' },
  ],
  ['socks5://user@proxy', 'socks5://proxy:1080', { username: 'user', password: '' }],
  ['socks5://user:@proxy', 'socks5://proxy:1080', { username: 'user', password: '' }],
])('the SOCKS proxy %s is understood', (setting, url, credentials) => {
  const proxy = chosen(setting)
  expect(proxy?.url.href).toBe(url)
  expect(proxy?.credentials).toEqual(credentials)
  expect(proxy).not.toHaveProperty('authorization')
})

test.each([
  [{ http: 'http://plain:1' }, 'direct', 'plain:1'],
  [{ https: 'http://secure:1' }, 'secure:1', 'direct'],
  [{ all: 'all:1' }, 'all:1', 'all:1'],
  [{ all: 'all:1', https: 'secure:1' }, 'secure:1', 'all:1'],
  [{ all: 'all:1', http: 'plain:1', https: ' ' }, 'all:1', 'plain:1'],
  [{ https: '', http: ' ', all: undefined }, 'direct', 'direct'],
])('with %j, https goes to %s and http to %s', (settings, https, http) => {
  const proxyFor = createProxyResolver(settings)
  expect(proxyFor(new URL('https://r.example/'))?.url.host ?? 'direct').toBe(https)
  expect(proxyFor(new URL('http://r.example/'))?.url.host ?? 'direct').toBe(http)
})

test.each([
  ['https://r.example/', 'http://p', true],
  ['https://r.example/', 'socks5://p', true],
  ['http://r.example/', 'socks5://p', true],
  ['http://r.example/', 'http://p', false],
  ['http://r.example/', 'https://p', false],
])('whether %s is tunnelled through %s: %s', (url, all, expected) => {
  const proxy = createProxyResolver({ all })(new URL(url))
  expect(proxy && isTunnelled(new URL(url), proxy)).toBe(expected)
})

test('a proxy knows what its setting is called', () => {
  const proxyFor = createProxyResolver({ https: 'p:1', all: 'q:1', from: { https: 'HTTPS_PROXY' } })
  expect(proxyFor(new URL('https://r.example/'))?.from).toBe('HTTPS_PROXY')
  expect(proxyFor(new URL('http://r.example/'))).not.toHaveProperty('from')
})

test.each(['socks4://user:hunter2@proxy:1080', 'SOCKS4A://proxy'])('%s is refused as SOCKS4', (https) => {
  expect(() => chosen(https)).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: expect.stringContaining('SOCKS4'),
      hint: expect.stringContaining('socks5://'),
    }),
  )
})

test.each([
  'http://user:p#hunter2@proxy:3128',
  'http://hunter2:12#3@proxy:3128',
  'http://hunter2:12/3@proxy:3128',
  'socks5://hunter2:12?3@proxy:1080',
  'hunter2:p://x@proxy',
  'ftp://hunter2@proxy:21',
  'http://',
  'socks5://',
  'http:proxy:3128',
  'http:/proxy:3128',
  'http:\\\\proxy:3128',
  'http:\\/proxy:3128',
  'socks5:/proxy:1080',
  'http://proxy:99999',
  'socks5://proxy:99999',
  'http://hunter2:x@pro xy',
  '"http://hunter2:x@proxy"',
  'http://"hunter2',
])('a setting that is no address of a proxy (%s) is a usage error that does not repeat it', (https) => {
  const proxyFor = createProxyResolver({ https, from: { https: 'HTTPS_PROXY' } })
  expect(() => proxyFor(new URL('https://r.example/'))).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: 'HTTPS_PROXY is not the address of a proxy',
      hint: expect.not.stringContaining('hunter2'),
    }),
  )
})

test('a setting that makes no sense matters only to what needs it', () => {
  const proxyFor = createProxyResolver({ https: 'ftp://proxy', none: 'internal.example' })
  expect(proxyFor(new URL('https://internal.example/'))).toBeUndefined()
  expect(proxyFor(new URL('http://r.example/'))).toBeUndefined()
  expect(() => proxyFor(new URL('https://r.example/'))).toThrow('the proxy setting is not the address')
})

test('a password that SOCKS5 cannot carry is a usage error', () => {
  expect(() => chosen(`socks5://user:${'ö'.repeat(128)}@proxy`)).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('too long') }),
  )
})
