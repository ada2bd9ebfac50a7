import { expect, test } from 'vitest'
import { parseRegistry } from '../../../src/registry/parse-registry.ts'

test.each([
  ['ghcr.io', 'ghcr.io'],
  ['localhost:5000', 'localhost:5000'],
  ['myhost', 'myhost'],
  ['[::1]:5000', '[::1]:5000'],
  ['https://ghcr.io', 'ghcr.io'],
  ['https://ghcr.io/', 'ghcr.io'],
  ['http://reg.example:5000/v2/', 'reg.example:5000'],
  ['reg.example/', 'reg.example'],
  ['PRIVATE.corp:5000', 'private.corp:5000'],
  ['https://Index.Docker.io/v1/', 'docker.io'],
  ['docker.io', 'docker.io'],
  ['index.docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['https://index.docker.io/v1/', 'docker.io'],
])('%s is the registry %s', (text, registry) => {
  expect(parseRegistry(text)).toBe(registry)
})

test.each([
  ['', 'looks like'],
  ['ghcr.io/org', 'whole registry: ghcr.io'],
  ['reg.example/v2', 'whole registry: reg.example'],
  ['https://ghcr.io/org/app', 'whole registry: ghcr.io'],
  ['ghcr.io:latest', 'looks like'],
  ['ghcr.io:99999', 'looks like'],
  ['ftp://ghcr.io', 'looks like'],
  ['https://ghcr.io?x=1', 'looks like'],
  ['bad_host', 'looks like'],
  ['-u', 'looks like'],
  ['ghcr.io ', 'looks like'],
  ['https://me:secret@ghcr.io', '-u and --password-stdin'],
])('%j is none, and the hint says what is', (text, hint) => {
  expect(() => parseRegistry(text)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining(hint) }),
  )
})

test('a secret in front of the host is not repeated', () => {
  expect(() => parseRegistry('https://me:secret@ghcr.io')).toThrow(/^(?!.*secret).*\*\*\*@ghcr\.io/)
})
