import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readDockerDaemon } from '../../../src/config/docker-daemon.ts'
import type { Lookup } from '../../../src/config/insecure-registries.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { showEndpoints } from '../../support/show-endpoints.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

describe('registry-mirrors', () => {
  test("as in docker's documentation: the mirror of Docker Hub, then Docker Hub", async () => {
    const { daemon, file } = read({ 'registry-mirrors': ['https://my-docker-mirror-host'] })
    expect(await daemon.endpointsFor(parseReference('nginx'))).toEqual([
      {
        root: new URL('https://my-docker-mirror-host/v2/'),
        registry: 'my-docker-mirror-host',
        repository: 'library/nginx',
        source: file,
      },
      {
        root: new URL('https://registry-1.docker.io/v2/'),
        registry: 'docker.io',
        repository: 'library/nginx',
      },
    ])
  })

  test('are no mirrors of other registries', async () => {
    const { daemon } = read({ 'registry-mirrors': ['https://m.example'] })
    expect(await daemon.endpointsFor(parseReference('ghcr.io/org/app'))).toBeUndefined()
  })

  test.each([
    ['https://m.example', 'https://m.example/v2/library/nginx'],
    ['https://m.example/', 'https://m.example/v2/library/nginx'],
    ['https://m.example/prefix/', 'https://m.example/prefix/v2/library/nginx'],
    ['http://m.example:5000', 'http://m.example:5000/v2/library/nginx'],
  ])('%s', async (mirror, endpoint) => {
    const { daemon } = read({ 'registry-mirrors': [mirror] })
    expect(showEndpoints(await daemon.endpointsFor(parseReference('nginx')))?.[0]).toBe(endpoint)
  })

  test.each([
    'm.example',
    'ftp://m.example',
    'https://',
    'https:m.example',
    'https://user:hunter2@m.example',
    'https://hunter2@m.example',
    'https://:hunter2@m.example',
    'https://m.example?hunter2',
    'https://m.example/#',
    '',
  ])('%j is left out with a warning', async (mirror) => {
    const { daemon, warnings, file } = read({ 'registry-mirrors': ['https://a.example', mirror] })
    expect(await daemon.endpointsFor(parseReference('nginx'))).toHaveLength(2)
    expect(warnings).toEqual([
      `${file}, line 2: registry-mirrors[1] must be an http or https URL, without user, ? and #; it is not followed`,
    ])
  })

  test('are trusted without a certificate when they are insecure registries too, but never asked over http', async () => {
    const { daemon } = read({
      'registry-mirrors': ['https://m.example', 'https://n.example', 'http://m.example'],
      'insecure-registries': ['m.example'],
    })
    const endpoints = await daemon.endpointsFor(parseReference('nginx'))
    expect(endpoints?.map(({ tls, withoutTls }) => [tls?.insecure, withoutTls])).toEqual([
      [true, undefined],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
    ])
  })
})

describe('insecure-registries', () => {
  const addresses: Readonly<Record<string, readonly string[]>> = {
    'inside.example': ['10.1.2.3'],
    'six.example': ['2001:db8::1'],
    'both.example': ['192.0.2.1', '10.0.0.1'],
    'outside.example': ['192.0.2.1'],
  }
  const lookup: Lookup = async (name) => {
    const found = addresses[name]
    if (!found) throw new Error(`no such name: ${name}`)
    return found
  }

  test.each([
    ['myregistrydomain.com:5000', 'myregistrydomain.com:5000/a', true],
    ['myregistrydomain.com:5000', 'myregistrydomain.com/a', false],
    ['myregistrydomain.com', 'myregistrydomain.com:5000/a', false],
    ['myregistrydomain.com', 'MyRegistryDomain.com/a', true],
    ['MyRegistryDomain.com', 'myregistrydomain.com/a', true],
    ['myregistrydomain.com', 'sub.myregistrydomain.com/a', false],
    ['http://a.example:5000', 'a.example:5000/a', true],
    ['https://a.example', 'a.example/a', true],
    ['[2001:db8::1]:5000', '[2001:db8::1]:5000/a', true],
    ['10.0.0.0/8', '10.9.8.7:5000/a', true],
    ['10.0.0.0/8', '11.0.0.1/a', false],
    ['10.0.0.0/8', 'inside.example:5000/a', true],
    ['10.0.0.0/8', 'both.example/a', true],
    ['10.0.0.0/8', 'outside.example/a', false],
    ['10.0.0.0/8', 'unknown.example/a', false],
    ['2001:db8::/32', 'six.example/a', true],
    ['2001:db8::/32', '[2001:db8::5]:5000/a', true],
    ['2001:db8::/32', '[2001:db9::5]:5000/a', false],
    ['a.example', '127.0.0.1:5000/a', true],
    ['a.example', 'localhost:5000/a', true],
    ['a.example', '[::1]:5000/a', true],
    ['docker.io', 'nginx', false],
  ])('%s makes %s insecure: %s', async (entry, name, insecure) => {
    const { daemon, warnings } = read({ 'insecure-registries': [entry] }, lookup)
    const endpoints = await daemon.endpointsFor(parseReference(name))
    expect(endpoints?.[0]?.tls?.insecure === true).toBe(insecure)
    expect(warnings).toEqual([])
  })

  test('are asked over https without verification, then over http, by the file that says so', async () => {
    const { daemon, file } = read({ 'insecure-registries': ['a.example:5000'] })
    expect(await daemon.endpointsFor(parseReference('a.example:5000/b'))).toEqual([
      {
        root: new URL('https://a.example:5000/v2/'),
        registry: 'a.example:5000',
        repository: 'b',
        tls: { insecure: true },
        withoutTls: new URL('http://a.example:5000/v2/'),
        source: file,
      },
    ])
  })

  test('no name is looked up where there is no network to compare it with', async () => {
    const { daemon } = read({ 'insecure-registries': ['a.example', '10.0.0.1'] }, () => {
      throw new Error('looked up')
    })
    expect(await daemon.endpointsFor(parseReference('b.example/c'))).toBeUndefined()
  })

  test.each(['10.0.0.0/33', 'a.example/b', 'https://a.example/', 'a b', ''])(
    '%j is left out with a warning',
    async (entry) => {
      const { daemon, warnings, file } = read({ 'insecure-registries': [entry, 'b.example'] })
      expect(await daemon.endpointsFor(parseReference('b.example/c'))).toHaveLength(1)
      expect(warnings).toEqual([
        `${file}, line 2: insecure-registries[0] must be host[:port] or a network such as 10.0.0.0/8; it is not followed`,
      ])
    },
  )
})

describe('proxies', () => {
  test("as in docker's documentation, each with its name for messages", async () => {
    const { daemon, file } = read({
      proxies: {
        'http-proxy': 'http://proxy.example.com:3128',
        'https-proxy': 'https://proxy.example.com:3129',
        'no-proxy': '*.test.example.com,.example.org,127.0.0.0/8',
      },
    })
    expect(await daemon.proxy()).toEqual({
      http: 'http://proxy.example.com:3128',
      https: 'https://proxy.example.com:3129',
      none: '*.test.example.com,.example.org,127.0.0.0/8',
      from: {
        http: `http-proxy in ${file}`,
        https: `https-proxy in ${file}`,
        none: `no-proxy in ${file}`,
      },
    })
  })

  test.each([{}, { proxies: {} }, { proxies: { 'http-proxy': '' } }])('%j is none', async (config) => {
    expect(await read(config).daemon.proxy()).toBeUndefined()
  })

  test('that make no sense are a warning that does not repeat them', async () => {
    const { daemon, warnings, file } = read({ proxies: { 'https-proxy': ['http://u:hunter2@p'] } })
    expect(await daemon.proxy()).toBeUndefined()
    expect(warnings).toEqual([`${file}, line 3: proxies.https-proxy must be a string; it is not followed`])
  })
})

test.each([
  ['{"registry-mirrors": "https://m.example"}', 'line 1: registry-mirrors must be a list'],
  ['{"registry-mirrors": [1]}', 'line 1: registry-mirrors[0] must be a string'],
  ['{\n  "registry-mirrors": [],\n}', 'line 3: this is not valid JSON'],
])('%j is a warning, once, and nothing else', async (text, warning) => {
  const directory = temporaryDirectory()
  const file = join(directory, 'daemon.json')
  writeFileSync(file, text)
  const warnings: string[] = []
  const daemon = readDockerDaemon([file], {
    lookup: async () => [],
    onWarning: (each) => warnings.push(each),
  })
  expect(await daemon.endpointsFor(parseReference('nginx'))).toBeUndefined()
  expect(await daemon.proxy()).toBeUndefined()
  expect(warnings).toEqual([`${file}, ${warning}; it is not followed`])
})

test('the first file that is there counts, and where none is there is nothing to say', async () => {
  const directory = temporaryDirectory()
  const files = ['missing.json', 'first.json', 'second.json'].map((name) => join(directory, name))
  writeFileSync(files[1] ?? '', '{}')
  writeFileSync(files[2] ?? '', '{"registry-mirrors": ["https://m.example"]}')
  const warnings: string[] = []
  const options = { lookup: async () => [], onWarning: (each: string) => warnings.push(each) }
  expect(await readDockerDaemon(files, options).endpointsFor(parseReference('nginx'))).toBeUndefined()
  expect(
    await readDockerDaemon(files.slice(0, 1), options).endpointsFor(parseReference('nginx')),
  ).toBeUndefined()
  expect(warnings).toEqual([])
})

function read(config: object, lookup: Lookup = async () => []) {
  const file = join(temporaryDirectory(), 'daemon.json')
  writeFileSync(file, JSON.stringify(config, undefined, 2))
  const warnings: string[] = []
  const daemon = readDockerDaemon([file], { lookup, onWarning: (message) => warnings.push(message) })
  return { daemon, warnings, file }
}
