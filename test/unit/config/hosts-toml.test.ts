import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hostsEndpoints } from '../../../src/config/hosts-endpoints.ts'
import { decodeHostsToml } from '../../../src/config/hosts-toml.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { showEndpoints } from '../../support/show-endpoints.ts'

const directory = '/etc/containerd/certs.d/docker.io'
const file = `${directory}/hosts.toml`

describe("the examples of containerd's documentation", () => {
  test('the simple host config for Docker', () => {
    const endpoints = find(`
server = "https://docker.io"

[host."https://registry-1.docker.io"]
  capabilities = ["pull", "resolve"]
`)
    expect(showEndpoints(endpoints)).toEqual([
      'https://registry-1.docker.io/v2/library/nginx',
      'https://registry-1.docker.io/v2/library/nginx',
    ])
    expect(endpoints.map(({ registry, namespace }) => [registry, namespace])).toEqual([
      ['docker.io', undefined],
      ['docker.io', undefined],
    ])
  })

  test('a local mirror for Docker', () => {
    const endpoints = find(`
server = "https://registry-1.docker.io"    # Exclude this to not use upstream

[host."https://public-mirror.example.com"]
  capabilities = ["pull"]                  # Requires less trust, won't resolve tag to digest from this host
[host."https://docker-mirror.internal"]
  capabilities = ["pull", "resolve"]
  ca = "docker-mirror.crt"                 # Or absolute path /etc/containerd/certs.d/docker.io/docker-mirror.crt
`)
    expect(endpoints).toEqual([
      {
        root: new URL('https://public-mirror.example.com/v2/'),
        registry: 'public-mirror.example.com',
        repository: 'library/nginx',
        namespace: 'docker.io',
        serves: 'digests',
        source: file,
      },
      {
        root: new URL('https://docker-mirror.internal/v2/'),
        registry: 'docker-mirror.internal',
        repository: 'library/nginx',
        namespace: 'docker.io',
        tls: { caFiles: [resolve(directory, 'docker-mirror.crt')] },
        source: file,
      },
      {
        root: new URL('https://registry-1.docker.io/v2/'),
        registry: 'docker.io',
        repository: 'library/nginx',
        source: file,
      },
    ])
  })

  test('a default mirror for all registries: the registry itself is the last', () => {
    const text = '[host."https://registry.example.com"]\n  capabilities = ["pull", "resolve"]\n'
    const [mirror, own] = find(text, 'ghcr.io/org/app')
    expect(mirror).toMatchObject({ registry: 'registry.example.com', namespace: 'ghcr.io' })
    expect(own).toEqual({ root: new URL('https://ghcr.io/v2/'), registry: 'ghcr.io', repository: 'org/app' })
  })

  test('only the mirror: the registry itself is not asked', () => {
    expect(showEndpoints(find('server = "https://registry.example.com"', 'ghcr.io/org/app'))).toEqual([
      'https://registry.example.com/v2/org/app',
    ])
  })

  test('no TLS verification', () => {
    const [mirror] = find(`
server = "https://registry-1.docker.io"

[host."http://192.168.31.250:5000"]
  capabilities = ["pull", "resolve", "push"]
  skip_verify = true
`)
    expect(mirror).toMatchObject({
      root: new URL('http://192.168.31.250:5000/v2/'),
      registry: '192.168.31.250:5000',
      tls: { insecure: true },
    })
  })

  test('every field of a host', () => {
    const endpoints = find(`
[host."https://mirror.registry"]
  capabilities = ["pull"]
  ca = "/etc/certs/mirror.pem"
  skip_verify = false
  [host."https://mirror.registry".header]
    x-custom-2 = ["value1", "value2"]

[host."https://mirror-bak.registry/us"]
  capabilities = ["pull"]
  skip_verify = true

[host."http://mirror.registry"]
  capabilities = ["pull"]

[host."https://test-1.registry"]
  capabilities = ["pull", "resolve", "push"]
  ca = ["/etc/certs/test-1-ca.pem", "/etc/certs/special.pem"]
  client = [["/etc/certs/client.cert", "/etc/certs/client.key"],["/etc/certs/client.pem", ""]]

[host."https://test-2.registry"]
  client = "/etc/certs/client.pem"

[host."https://test-3.registry"]
  client = ["/etc/certs/client-1.pem", "/etc/certs/client-2.pem"]

[host."https://non-compliant-mirror.registry/v2/upstream"]
  capabilities = ["pull"]
  override_path = true
`)
    expect(showEndpoints(endpoints)).toEqual([
      'https://mirror.registry/v2/library/nginx',
      'https://mirror-bak.registry/us/v2/library/nginx',
      'http://mirror.registry/v2/library/nginx',
      'https://test-1.registry/v2/library/nginx',
      'https://test-2.registry/v2/library/nginx',
      'https://test-3.registry/v2/library/nginx',
      'https://non-compliant-mirror.registry/v2/upstream/library/nginx',
      'https://registry-1.docker.io/v2/library/nginx',
    ])
    const at = (path: string) => resolve('/etc/certs', path)
    expect(endpoints.map(({ tls }) => tls)).toEqual([
      { caFiles: [at('mirror.pem')] },
      { insecure: true },
      undefined,
      {
        caFiles: [at('test-1-ca.pem'), at('special.pem')],
        clientCertificates: [
          { certFile: at('client.cert'), keyFile: at('client.key') },
          { certFile: at('client.pem'), keyFile: at('client.pem') },
        ],
      },
      { clientCertificates: [{ certFile: at('client.pem'), keyFile: at('client.pem') }] },
      {
        clientCertificates: [
          { certFile: at('client-1.pem'), keyFile: at('client-1.pem') },
          { certFile: at('client-2.pem'), keyFile: at('client-2.pem') },
        ],
      },
      undefined,
      undefined,
    ])
    expect(endpoints.map(({ headers }) => headers)[0]).toEqual({ 'x-custom-2': 'value1, value2' })
  })
})

test("a project of Harbor's proxy cache, in its own form: the path is the repository's beginning", () => {
  const [harbor] = find('[host."https://harbor.example/v2/hub-proxy"]\n  override_path = true\n')
  expect(harbor).toMatchObject({
    root: new URL('https://harbor.example/v2/'),
    registry: 'harbor.example',
    repository: 'hub-proxy/library/nginx',
    namespace: 'docker.io',
  })
})

test.each([
  ['https://m.example', '', 'https://m.example/v2/org/app'],
  ['https://m.example/', '', 'https://m.example/v2/org/app'],
  ['https://m.example/v2', '', 'https://m.example/v2/org/app'],
  ['https://m.example/v2/', '', 'https://m.example/v2/org/app'],
  ['https://m.example/a/b', '', 'https://m.example/a/b/v2/org/app'],
  ['https://m.example/a/b', 'override_path = true', 'https://m.example/a/b/org/app'],
  ['https://m.example', 'override_path = true', 'https://m.example/org/app'],
  ['m.example:5000', '', 'https://m.example:5000/v2/org/app'],
  ['m.example/a', '', 'https://m.example/a/v2/org/app'],
  ['http://m.example', '', 'http://m.example/v2/org/app'],
])('%s %s is %s', (address, field, endpoint) => {
  expect(showEndpoints(find(`[host."${address}"]\n${field}\n`, 'ghcr.io/org/app'))?.[0]).toBe(endpoint)
})

test('the hosts are asked in the order of the file', () => {
  const hosts = ['z', 'a', 'm', 'b'].map((name) => `https://${name}.example`)
  const text = hosts.map((host) => `[host."${host}"]\n`).join('')
  expect(find(text).map(({ root }) => root.origin)).toEqual([...hosts, 'https://registry-1.docker.io'])
})

test.each([
  ['["resolve"]', 'tags'],
  ['["pull"]', 'digests'],
  ['["pull", "resolve"]', undefined],
  ['[]', undefined],
  ['["push"]', 'nothing'],
])('capabilities = %s serves %s', (capabilities, serves) => {
  const endpoints = find(`[host."https://m.example"]\ncapabilities = ${capabilities}\n`)
  if (serves === 'nothing') expect(endpoints).toHaveLength(1)
  else expect(endpoints[0]?.serves).toBe(serves)
})

test('what stands at the top is about the registry itself, named or not', () => {
  const fields = 'ca = "ca.crt"\nskip_verify = true\n[header]\nx-own = "1"\n'
  for (const server of ['', 'server = "https://registry-1.docker.io"\n']) {
    expect(find(server + fields)).toEqual([
      expect.objectContaining({
        registry: 'docker.io',
        tls: { caFiles: [resolve(directory, 'ca.crt')], insecure: true },
        headers: { 'x-own': '1' },
      }),
    ])
  }
})

describe('a server on this machine without a scheme', () => {
  test.each([
    ['[host."localhost:5000"]', 'https://localhost:5000/v2/', 'http://localhost:5000/v2/'],
    ['[host."127.0.0.1"]', 'https://127.0.0.1/v2/', undefined],
    ['[host."localhost:443"]', 'https://localhost/v2/', undefined],
  ])('%s needs no certificate, and with a port of its own no TLS', (text, root, withoutTls) => {
    expect(find(text)[0]).toMatchObject({
      root: new URL(root),
      tls: { insecure: true },
      ...(withoutTls && { withoutTls: new URL(withoutTls) }),
    })
    if (!withoutTls) expect(find(text)[0]).not.toHaveProperty('withoutTls')
  })

  test('with a scheme, it does', () => {
    const [host] = find('[host."https://localhost:5000"]')
    expect(host).not.toHaveProperty('tls')
    expect(host).not.toHaveProperty('withoutTls')
  })
})

test.each([
  ['server = 1', 'line 1: server must be a string'],
  ['server = "ftp://m.example"', 'line 1: server must be the http or https URL of a registry'],
  ['[host."https://u:hunter2@m.example"]', 'must be the http or https URL'],
  ['\n[host."::"]', 'line 2: host."::" must be the http'],
  [
    '[host."https://m"]\ncapabilities = ["fly"]',
    'line 2: host."https://m".capabilities[0] must be one of pull',
  ],
  ['[host."https://m"]\nskip_verify = "no"', 'line 2: host."https://m".skip_verify must be true or false'],
  ['[host."https://m"]\nca = 1', 'line 2: host."https://m".ca must be a list'],
  ['[host."https://m"]\nclient = [["a","b","c"]]', 'line 2: host."https://m".client[0] must be a file'],
  ['[header]\nx = "a\\nhunter2"', 'line 2: header.x is no HTTP header'],
  ['host = 1', 'line 1: host must be a table'],
  ['[host."https://m"]\noverride_path', 'line 2, column'],
])('%j is refused with file, line and key', (text, message) => {
  expect(() => decodeHostsToml(text, file)).toThrow(message)
  expect(() => decodeHostsToml(text, file)).toThrow(file)
  expect(() => decodeHostsToml(text, file)).not.toThrow(/hunter/)
})

function find(text: string, name = 'nginx') {
  return hostsEndpoints(decodeHostsToml(text, file), parseReference(name), file)
}
