import { expect, test } from 'vitest'
import { endpointsFor } from '../../../src/registry/endpoint.ts'

const urls = (registry: string, plainHttp?: boolean) =>
  endpointsFor({ registry }, { plainHttp }).map(({ url }) => url.href)

test.each([
  ['docker.io', ['https://registry-1.docker.io/']],
  ['ghcr.io', ['https://ghcr.io/']],
  ['reg.example:5000', ['https://reg.example:5000/']],
  ['192.168.1.2:5000', ['https://192.168.1.2:5000/']],
  ['localhost:5000', ['https://localhost:5000/', 'http://localhost:5000/']],
  ['reg.localhost', ['https://reg.localhost/', 'http://reg.localhost/']],
  ['127.0.0.1:5000', ['https://127.0.0.1:5000/', 'http://127.0.0.1:5000/']],
  ['[::1]:5000', ['https://[::1]:5000/', 'http://[::1]:5000/']],
  ['localhost.evil.com', ['https://localhost.evil.com/']],
  ['evil-localhost', ['https://evil-localhost/']],
  ['127.0.0.1.nip.io', ['https://127.0.0.1.nip.io/']],
])('%s is asked at %j', (registry, expected) => {
  expect(urls(registry)).toEqual(expected)
})

test.each([
  ['reg.example:5000', ['http://reg.example:5000/']],
  ['localhost:5000', ['http://localhost:5000/']],
])('%s is asked at %j where http was chosen', (registry, expected) => {
  expect(urls(registry, true)).toEqual(expected)
})
