import { expect, test } from 'vitest'
import { codedError } from '../../../src/http/failures.ts'
import { retryClass } from '../../../src/http/network-error.ts'
import { openProxyFailure, proxyFailure } from '../../../src/http/proxy-failure.ts'

const proxy = (scheme = 'http') => ({ url: new URL(`${scheme}://proxy.corp:9000`), from: 'HTTPS_PROXY' })

test.each(['ENOTFOUND', 'EAI_AGAIN'])(
  'a proxy without an address is looked for in its setting (%s)',
  (code) => {
    const { message, hint } = proxyFailure(codedError(code, 'getaddrinfo'), proxy())
    expect(message).toContain('the proxy proxy.corp:9000')
    expect(hint).toContain('in HTTPS_PROXY')
  },
)

test.each([
  ['http', 'https:// or socks5://'],
  ['https', 'http:// or socks5://'],
  ['socks5', 'http:// or https://'],
])('an open proxy that is silent (%s) may be slow, or %s', (scheme, others) => {
  const error = openProxyFailure(codedError('ETIMEDOUT', 'no connection'), proxy(scheme))
  expect(error.message).toBe('the proxy proxy.corp:9000 took the connection and did not answer in time')
  for (const word of ['--timeout', 'overloaded', others]) expect(error.hint).toContain(word)
  expect(retryClass(error)).toBe('transient')
})

test('a proxy that cannot be connected to took no connection', () => {
  const { message } = proxyFailure(codedError('ETIMEDOUT', 'no connection'), proxy())
  expect(message).toBe('no connection to the proxy proxy.corp:9000: it did not answer in time')
})
