import { delimiter, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configEndpoints, decodeContainerdConfig } from '../../../src/config/containerd-config.ts'
import { parseReference } from '../../../src/oci/reference.ts'
import { showEndpoints } from '../../support/show-endpoints.ts'

const file = '/etc/containerd/config.toml'

const plugins = [
  ['1', '', 'cri'],
  ['2', 'version = 2', '"io.containerd.grpc.v1.cri"'],
  ['3', 'version = 3', '"io.containerd.cri.v1.images"'],
] as const

describe.each(plugins)('version %s', (_, version, plugin) => {
  /** As in containerd's documentation of its registry configuration. */
  const text = `
${version}

[plugins.${plugin}.registry.mirrors]
  [plugins.${plugin}.registry.mirrors."docker.io"]
    endpoint = ["https://registry-1.docker.io"]
  [plugins.${plugin}.registry.mirrors."test.https-registry.io"]
    endpoint = ["https://HostIP1:1"]
  [plugins.${plugin}.registry.mirrors."test.http-registry.io"]
    endpoint = ["http://HostIP2:2"]
  # wildcard matching is supported but not required.
  [plugins.${plugin}.registry.mirrors."*"]
    endpoint = ["https://HostIP3:3"]
`
  test.each([
    ['nginx', ['https://registry-1.docker.io/v2/library/nginx']],
    ['test.https-registry.io/a', ['https://hostip1:1/v2/a', 'https://test.https-registry.io/v2/a']],
    ['test.http-registry.io/a', ['http://hostip2:2/v2/a', 'https://test.http-registry.io/v2/a']],
    ['gcr.io/library/busybox', ['https://hostip3:3/v2/library/busybox', 'https://gcr.io/v2/library/busybox']],
  ])('%s', (name, endpoints) => {
    expect(showEndpoints(find(text, name))).toEqual(endpoints)
  })

  test('config_path is a list of directories', () => {
    const path = ['/etc/containerd/certs.d', '/etc/docker/certs.d']
    const config = decodeContainerdConfig(
      `${version}\n[plugins.${plugin}.registry]\nconfig_path = '${path.join(delimiter)}'`,
      file,
    )
    expect(config.configPath).toEqual(path)
  })
})

test('a table of another version is not followed', () => {
  const text =
    'version = 3\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]\nendpoint = ["https://m"]'
  expect(find(text, 'nginx')).toBeUndefined()
})

test('a mirror is told for which registry it answers, and has credentials of its own', () => {
  expect(find(mirror('docker.io', 'https://m.example:5000'), 'nginx')).toEqual([
    {
      root: new URL('https://m.example:5000/v2/'),
      registry: 'm.example:5000',
      repository: 'library/nginx',
      namespace: 'docker.io',
      source: file,
    },
    { root: new URL('https://registry-1.docker.io/v2/'), registry: 'docker.io', repository: 'library/nginx' },
  ])
})

test.each([
  ['https://m.example/', 'https://m.example/v2/org/a'],
  ['https://m.example/v2', 'https://m.example/v2/org/a'],
  ['https://m.example/v2/proxy', 'https://m.example/v2/proxy/org/a'],
  ['https://m.example/prefix', 'https://m.example/prefix/org/a'],
])('the path of the endpoint %s is taken as it is', (endpoint, expected) => {
  expect(showEndpoints(find(mirror('quay.io', endpoint), 'quay.io/org/a'))?.[0]).toBe(expected)
})

test('host and port of the table must both be those of the reference', () => {
  const text = mirror('quay.io:5000', 'https://m.example')
  expect(find(text, 'quay.io:5000/a')).toHaveLength(2)
  expect(find(text, 'quay.io/a')).toBeUndefined()
})

test('certificates are for the host that they are listed for, mirror or registry', () => {
  const tls = (host: string) =>
    `[plugins."io.containerd.grpc.v1.cri".registry.configs."${host}".tls]\n` +
    'ca_file = "ca.pem"\ncert_file = "/certs/cert.pem"\nkey_file = "/certs/key.pem"\n'
  const insecure =
    '[plugins."io.containerd.grpc.v1.cri".registry.configs."m.example".tls]\ninsecure_skip_verify = true\n'
  const text = mirror('quay.io', 'https://m.example') + tls('quay.io') + insecure
  expect(find(text, 'quay.io/a')?.map((endpoint) => endpoint.tls)).toEqual([
    { insecure: true },
    {
      caFiles: [resolve('/etc/containerd/ca.pem')],
      clientCertificates: [{ certFile: resolve('/certs/cert.pem'), keyFile: resolve('/certs/key.pem') }],
    },
  ])
  const own = `version = 2\n${tls('ghcr.io')}`
  expect(find(own, 'ghcr.io/a')).toEqual([expect.objectContaining({ registry: 'ghcr.io', source: file })])
  expect(find(own, 'quay.io/a')).toBeUndefined()
})

test('a file without registries says nothing', () => {
  expect(
    find('version = 2\n[plugins]\n[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "/x"', 'nginx'),
  ).toBeUndefined()
  expect(find('', 'nginx')).toBeUndefined()
})

const v2 = 'plugins."io.containerd.grpc.v1.cri".registry'

test.each([
  ['version = 9', 'line 1: version must be 1, 2 or 3'],
  [
    `version = 2\n[${v2}]\nconfig_path = "/x"\n[${v2}.mirrors."a"]\nendpoint = []`,
    `line 4: ${v2}.mirrors cannot stand beside config_path`,
  ],
  [
    `version = 2\n[${v2}.mirrors."a"]\nendpoint = "https://a"`,
    `line 3: ${v2}.mirrors.a.endpoint must be a list`,
  ],
  [
    `version = 2\n[${v2}.mirrors."a"]\nendpoint = ["a.example"]`,
    `line 3: ${v2}.mirrors.a.endpoint[0] must be an http`,
  ],
  [`version = 2\n[${v2}.configs.a.tls]\ncert_file = "x"`, `${v2}.configs.a.tls.key_file is missing`],
])('%j is refused with file, line and key', (text, message) => {
  expect(() => decodeContainerdConfig(text, file)).toThrow(message)
  expect(() => decodeContainerdConfig(text, file)).toThrow(file)
})

function mirror(registry: string, endpoint: string): string {
  return `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."${registry}"]\nendpoint = ["${endpoint}"]\n`
}

function find(text: string, name: string) {
  return configEndpoints(decodeContainerdConfig(text, file), parseReference(name))
}
