import { expect, test } from 'vitest'
import { defaultEndpoints, isServedAt } from '../../../src/registry/endpoint.ts'

const urls = (registry: string, plainHttp?: boolean) =>
  defaultEndpoints({ registry, repository: 'app' }, { plainHttp }).map(({ root, withoutTls }) => [
    root.href,
    withoutTls?.href,
  ])

test.each([
  ['docker.io', 'https://registry-1.docker.io/v2/', undefined],
  ['ghcr.io', 'https://ghcr.io/v2/', undefined],
  ['reg.example:5000', 'https://reg.example:5000/v2/', undefined],
  ['192.168.1.2:5000', 'https://192.168.1.2:5000/v2/', undefined],
  ['localhost:5000', 'https://localhost:5000/v2/', 'http://localhost:5000/v2/'],
  ['reg.localhost', 'https://reg.localhost/v2/', 'http://reg.localhost/v2/'],
  ['127.0.0.1:5000', 'https://127.0.0.1:5000/v2/', 'http://127.0.0.1:5000/v2/'],
  ['[::1]:5000', 'https://[::1]:5000/v2/', 'http://[::1]:5000/v2/'],
  ['localhost.evil.com', 'https://localhost.evil.com/v2/', undefined],
  ['evil-localhost', 'https://evil-localhost/v2/', undefined],
  ['127.0.0.1.nip.io', 'https://127.0.0.1.nip.io/v2/', undefined],
])('%s is asked at %s, without TLS at %s', (registry, root, withoutTls) => {
  expect(urls(registry)).toEqual([[root, withoutTls]])
})

test.each([
  ['reg.example:5000', 'http://reg.example:5000/v2/'],
  ['localhost:5000', 'http://localhost:5000/v2/'],
])('%s is asked at %s and nowhere else where http was chosen', (registry, root) => {
  expect(urls(registry, true)).toEqual([[root, undefined]])
})

test.each([
  ['https://reg.io/v2/a/blobs/x', 'https://reg.io/v2/', true],
  ['http://reg.io/other', 'https://reg.io/v2/', true],
  ['http://reg.io:5000/', 'https://reg.io:5000/v2/', true],
  ['https://reg.io:8443/', 'https://reg.io/v2/', false],
  ['https://cdn.reg.io/', 'https://reg.io/v2/', false],
])('%s is of the server of %s: %s', (url, root, expected) => {
  expect(isServedAt(new URL(url), new URL(root))).toBe(expected)
})
