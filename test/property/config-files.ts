import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { checksumLine } from '../../src/archive/checksum-file.ts'
import { decodeConfig, dockerConfigTextSource } from '../../src/auth/docker-config.ts'
import { normalizeKey, serverUrl } from '../../src/auth/docker-config-keys.ts'
import { eraseCredential, saveCredential } from '../../src/auth/login-file.ts'
import { configEndpoints, decodeContainerdConfig } from '../../src/config/containerd-config.ts'
import { decodeDaemonJson } from '../../src/config/daemon-json.ts'
import { hostsEndpoints } from '../../src/config/hosts-endpoints.ts'
import { decodeHostsToml } from '../../src/config/hosts-toml.ts'
import { registriesConfEndpoints } from '../../src/config/registries-conf.ts'
import { decodeRegistriesConf } from '../../src/config/registries-conf-decode.ts'
import { findShortName } from '../../src/config/short-name.ts'
import { isDrayError } from '../../src/errors.ts'
import { createProxyResolver } from '../../src/http/proxy.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { Endpoint } from '../../src/registry/endpoint.ts'
import { mirrorEndpoints, parseMirror } from '../../src/registry/mirror.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { findChecksum } from '../../src/verify/checksum-lines.ts'
import { hostileText, json, mutatedJson, repetitive, textLike } from './arbitraries.ts'
import { property, unlessRefused, unlessRejected } from './property.ts'

const references = [
  'nginx',
  'ghcr.io/org/app:1',
  'localhost:5000/app',
  `reg.example/a/b@sha256:${'0'.repeat(64)}`,
].map((text) => parseReference(text))

const secret = 'hunter2-and-more'
const auth = Buffer.from('user:password').toString('base64')

const dockerConfig = {
  auths: {
    'ghcr.io': { auth },
    'https://index.docker.io/v1/': { identitytoken: 'abc' },
    'reg.example/a': { username: 'u', password: 'p' },
    'localhost:5000': { registrytoken: 't' },
  },
  credHelpers: { 'gcr.io': 'gcloud' },
  credsStore: '',
  HttpHeaders: { 'X-Meta': '1' },
  proxies: { default: { httpProxy: 'http://p' } },
}

const dockerKeys = [
  ...['auths', 'credHelpers', 'credsStore', 'auth', 'identitytoken', 'registrytoken', 'username', 'password'],
  ...['ghcr.io', 'https://ghcr.io/', 'index.docker.io', 'docker.io', 'reg.example', 'reg.example/a'],
]

const jsonPieces = ['{', '}', '[', ']', ':', ',', '"', '\\', 'null', '1e9', '"auths":', '"auth":']

const dockerText = fc.oneof(
  { weight: 6, arbitrary: mutatedJson([dockerConfig], json(dockerKeys, [auth, '', 'helper'])) },
  { weight: 2, arbitrary: json(dockerKeys, [auth]).map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: textLike([JSON.stringify(dockerConfig), '', '\ufeff{}'], jsonPieces) },
)

const daemonJson = {
  'registry-mirrors': ['https://mirror.example', 'http://10.0.0.1:5000/v2/'],
  'insecure-registries': ['10.0.0.0/8', 'reg.example:5000', 'http://localhost'],
  proxies: { 'http-proxy': 'http://p:1', 'https-proxy': 'p:2', 'no-proxy': 'a,b' },
}

const registriesConf = `
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "ghcr.io/org"
location = "mirror.example/ghcr"
insecure = true
[[registry.mirror]]
location = "mirror.example:5000/a"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "*.example"
[[registry]]
location = "docker.io"
blocked = true
[aliases]
"nginx" = "docker.io/library/nginx"
`
const registriesConf1 =
  '[registries.insecure]\nregistries = ["reg.example:5000"]\n[registries.block]\nregistries = ["b"]\n'
const hostsToml = `
server = "https://registry-1.docker.io"
[host."https://mirror.example/v2/project"]
capabilities = ["pull", "resolve"]
override_path = true
ca = ["a.pem", "b.pem"]
client = [["c.pem", "k.pem"]]
[host."localhost:5000".header]
x-key = ["a", "b"]
`
const containerdToml = `
version = 2
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
endpoint = ["https://mirror.example", "http://b/v2"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."b".tls]
ca_file = "a.pem"
insecure_skip_verify = true
`

const tomlPieces = [
  ...[
    '[',
    ']',
    '[[',
    ']]',
    '=',
    '"',
    "'",
    '"""',
    ',',
    '{',
    '}',
    '#',
    '\n',
    '.',
    '*',
    'true',
    '1',
    '1979-05-27',
    '\\u0000',
  ],
  ...[
    'registry',
    'prefix',
    'location',
    'mirror',
    'aliases',
    'server',
    'host',
    'version',
    'plugins',
    'header',
    '__proto__',
  ],
]

const toml = textLike([registriesConf, registriesConf1, hostsToml, containerdToml], tomlPieces)

function checkEndpoints(endpoints: readonly Endpoint[] | undefined): void {
  for (const { root, withoutTls, repository, headers = {} } of endpoints ?? []) {
    for (const url of [root, withoutTls ?? root]) {
      assert.match(url.protocol, /^https?:$/)
      assert.deepEqual([url.username, url.password, url.search, url.hash], ['', '', '', ''])
      assert.ok(url.pathname.endsWith('/'))
    }
    assert.ok(repository.length > 0)
    for (const [name, value] of Object.entries(headers)) assert.doesNotMatch(name + value, /[\r\n\0]/)
  }
}

/** Warnings are for people who own the file: they say where, and none of what. */
function decodeAll(text: string): void {
  const warnings: string[] = []
  const options = { version1: true, onWarning: (message: string) => warnings.push(message) }
  const conf = unlessRefused(() => decodeRegistriesConf(text, '/etc/registries.conf', options))
  for (const reference of references) {
    if (conf)
      checkEndpoints(
        unlessRefused(() => registriesConfEndpoints(conf.registries, reference, options.onWarning)),
      )
    const hosts = unlessRefused(() => decodeHostsToml(text, '/etc/hosts.toml'))
    if (hosts) checkEndpoints(hostsEndpoints(hosts, reference, '/etc/hosts.toml'))
    const containerd = unlessRefused(() => decodeContainerdConfig(text, '/etc/config.toml'))
    if (containerd) checkEndpoints(configEndpoints(containerd, reference))
  }
  for (const name of ['nginx', 'org/app:1', 'a.b/c']) {
    const found = conf && unlessRefused(() => findShortName(name, conf.aliases))
    if (found) parseReference(found.reference)
  }
  for (const warning of warnings) assert.doesNotMatch(warning, /hunter2/)
}

const proxies = [
  'http://user:password@proxy.example:3128',
  'socks5h://[::1]',
  'proxy:8080',
  'https://p/',
  'socks4://a',
]
const proxyPieces = [
  'http://',
  'https://',
  'socks5://',
  '//',
  '@',
  ':',
  'user',
  'host',
  '1080',
  '99999',
  '[::1]',
  '%40',
  '%ff',
  '%',
  '/',
  '?',
  '#',
]
const noProxies = ['localhost,.example.com,10.0.0.0/8,[::1]:80,*.corp:443', '*', '::ffff:10.0.0.0/104']
const noProxyPieces = [
  '*',
  '.',
  ',',
  ' ',
  '/',
  '8',
  '33',
  '999',
  '10.0.0.0',
  '::',
  '[',
  ']',
  ':',
  '80',
  'example.com',
  'bücher.example',
  'xn--',
]
const asked = [
  'https://registry.example/',
  'http://10.1.2.3:5000/',
  'https://[2001:db8::1]/',
  'http://localhost/',
].map((text) => new URL(text))

const mirrors = [
  'https://mirror.example',
  'ghcr.io=https://mirror.example/v2/ghcr',
  'docker.io=localhost:5000/project',
]
const mirrorPieces = [
  '=',
  'https://',
  'http://',
  '/',
  'v2',
  '..',
  '%2e',
  '?',
  '#',
  'mirror.example',
  ':5000',
  '[::1]',
  'docker.io',
  'ftp://',
]

const noHelper = { runHelper: async () => undefined }

async function withFile<T>(text: string, act: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'dray-fuzz-'))
  try {
    const file = join(directory, 'config.json')
    await writeFile(file, text)
    return await act(file)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Docker Hub goes by several names, so that entries of it are one. */
const otherEntries = (auths: Readonly<Record<string, unknown>>, registry: string) =>
  Object.entries(auths)
    .filter(([key]) => normalizeKey(key) !== registry)
    .sort(([a], [b]) => (a < b ? -1 : 1))

export const configProperties = [
  property(
    "docker's config gives a credential that can be sent, none, or an error",
    [dockerText],
    async (text) => {
      const source = dockerConfigTextSource(text, 'config.json')
      for (const { registry, repository } of references) {
        const found = await source.find(registry, repository).catch((error: unknown) => {
          if (!isDrayError(error)) throw error
        })
        if (!found) continue
        const parts = found.kind === 'basic' ? [found.username, found.password] : [found.token]
        for (const part of parts) assert.equal(typeof part, 'string')
        if (found.kind === 'basic') assert.notEqual(found.username, '')
      }
    },
  ),
  property(
    'no mistake in a file with credentials repeats what is in it',
    [textLike([JSON.stringify({ auths: { 'ghcr.io': { auth: secret, password: secret } } })], jsonPieces)],
    async (text) => {
      try {
        await dockerConfigTextSource(text, 'config.json').find('ghcr.io', 'org/app')
      } catch (error) {
        assert.doesNotMatch(String(error), /hunter2/)
      }
    },
  ),
  property(
    'a login is written so that it is found, and everything else in the file survives',
    [
      dockerText,
      fc.constantFrom('ghcr.io', 'docker.io', 'reg.example', '__proto__', 'constructor'),
      hostileText.filter((name) => name !== '' && !name.includes(':')),
      hostileText.filter((password) => !password.includes('\0')),
    ],
    (given, registry, username, password) =>
      withFile(given, async (file) => {
        const text = Buffer.from(given).toString()
        const before = unlessFile(() => decodeConfig(text, file))
        const login = { username, password }
        const place = await saveCredential(file, registry, login, noHelper).catch((error: unknown) => {
          if (!isDrayError(error, 'FILE')) throw error
        })
        const written = await readFile(file, 'utf8')
        if (!place || !before) return assert.equal(written, text)
        const after = decodeConfig(written, file)
        assert.deepEqual(otherEntries(after.auths, registry), otherEntries(before.auths, registry))
        const { auths: _, ...settings } = JSON.parse(text.replace(/^\ufeff/, '').trim() || '{}')
        const { auths: __, ...settingsAfter } = JSON.parse(written)
        assert.deepEqual(JSON.stringify(settingsAfter), JSON.stringify(settings))
        if (place.helper) return
        assert.ok(Object.hasOwn(after.auths, serverUrl(registry)))
        await eraseCredential(file, registry, noHelper)
        const erased = decodeConfig(await readFile(file, 'utf8'), file)
        assert.equal(otherEntries(erased.auths, registry).length, Object.keys(erased.auths).length)
      }),
    { share: 0.3, examples: [['{"auths":{"0":0,"":null}}', 'ghcr.io', '\0', '']] },
  ),
  property('a TOML file of whatever kind leads to places of the web, or to an error', [toml], decodeAll),
  property(
    'no mistake in a TOML file repeats a value of it',
    [
      textLike([registriesConf, ''], tomlPieces),
      fc.constantFrom(
        `location = "user:${secret}@host"`,
        `server = '${secret}'`,
        `prefix = ${secret}`,
        `location = """${secret}`,
        `[host."https://user:${secret}@host/?"]`,
        `[[registry]]\nlocation = "http://user:${secret}@host"`,
        `[header]\nAuthorization = ["Basic ${secret}\\u0000"]`,
      ),
      textLike([hostsToml, ''], tomlPieces),
    ],
    (before, line, after) => {
      const text = `${before}\n${line}\n${after}`
      try {
        decodeAll(text)
      } catch (error) {
        if (!isDrayError(error)) throw error
      }
      for (const decode of [
        () => decodeHostsToml(text, 'f'),
        () => decodeContainerdConfig(text, 'f'),
        () =>
          decodeRegistriesConf(text, 'f', {
            version1: true,
            onWarning: (line) => assert.doesNotMatch(line, /hunter2/),
          }),
      ]) {
        try {
          decode()
        } catch (error) {
          assert.doesNotMatch(String(error), /hunter2/)
        }
      }
    },
  ),
  property(
    'a daemon.json gives mirrors of the web and a list of registries, or an error',
    [
      fc.oneof(
        mutatedJson([daemonJson], json(Object.keys(daemonJson), ['http://a', '10.0.0.0/99', 'x'])),
        textLike([JSON.stringify(daemonJson)], jsonPieces),
      ),
    ],
    async (text) => {
      const found = unlessRefused(() => decodeDaemonJson(text, '/etc/daemon.json', () => {}))
      if (!found) return
      for (const { protocol, username } of found.mirrors) assert.match(protocol + username, /^https?:$/)
      for (const { registry } of references) {
        assert.equal(typeof (await found.insecure(registry, async () => ['10.0.0.1', 'fd00::1'])), 'boolean')
      }
    },
  ),
  property(
    'a mirror leads to places of the web, or is refused without a secret in the message',
    [textLike(mirrors, mirrorPieces), fc.boolean()],
    (text, withLogin) => {
      const typed = withLogin ? text.replace('://', `://user:${secret}@`) : text
      try {
        const mirror = parseMirror(typed)
        for (const reference of references) checkEndpoints(mirrorEndpoints(mirror, reference, '--mirror'))
      } catch (error) {
        if (!isDrayError(error, 'USAGE')) throw error
        assert.doesNotMatch(error.message, /hunter2/)
      }
    },
  ),
  property(
    'the name of a registry is one that has an address, or is refused',
    [textLike(['ghcr.io', 'localhost:5000', 'https://index.docker.io/v1/'], mirrorPieces)],
    (text) => {
      const registry = unlessRefused(() => parseRegistry(text))
      if (registry !== undefined) assert.ok(URL.canParse(`https://${registry}/v2/`))
    },
  ),
  property(
    'a proxy is an address that can be connected to, or is refused without a secret in the message',
    [textLike(proxies, proxyPieces), textLike(noProxies, noProxyPieces)],
    (text, none) => {
      const typed = text.replace('password', secret)
      for (const settings of [{ https: typed, http: typed, none }, { all: typed }]) {
        const proxyFor = createProxyResolver({ ...settings, from: { https: 'HTTPS_PROXY' } })
        for (const url of asked) {
          try {
            const proxy = proxyFor(url)
            if (!proxy) continue
            assert.match(proxy.url.protocol, /^(https?|socks5):$/)
            assert.match(proxy.url.hostname, /^([a-z0-9._-]+|\[[0-9a-f:]+\])$/)
            assert.equal(proxy.url.username + proxy.url.password, '')
            assert.match(proxy.authorization ?? '', /^(Basic [A-Za-z0-9+/=]+)?$/)
          } catch (error) {
            if (!isDrayError(error, 'USAGE')) throw error
            assert.doesNotMatch(error.message, /hunter2/)
          }
        }
      }
    },
  ),
  property(
    'a list of exceptions from the proxy is read as a whole, and loopback is always one',
    [textLike(noProxies, noProxyPieces)],
    (none) => {
      const proxyFor = createProxyResolver({ all: 'http://proxy.example', none })
      assert.equal(proxyFor(new URL('http://127.0.0.1:5000/')), undefined)
      const all = createProxyResolver({ all: 'http://proxy.example', none: `${none},*` })
      for (const url of asked) assert.equal(all(url), undefined)
      const own = createProxyResolver({ all: 'http://proxy.example', none: `${none},registry.example` })
      assert.equal(own(new URL('https://registry.example/')), undefined)
    },
  ),
  property(
    'a checksum file says what the digest is, or an error that can be printed',
    [
      textLike(
        [
          `${'0a'.repeat(32)}  image.tar\n`,
          `SHA256 (dir/image.tar) = ${'0a'.repeat(32)}\r\n`,
          `\\${'0a'.repeat(32)} *a\\nb\n`,
        ],
        ['SHA256 (', ') = ', '0a'.repeat(32), '  ', ' *', '\\', '\n', 'image.tar', '/'],
      ),
    ],
    (text) => {
      const found = unlessRefused(() => findChecksum(text, 'image.tar', 'image.tar.sha256'))
      if (found) assert.match(found, /^sha256:[0-9a-f]{64}$/)
    },
  ),
  property(
    'the line that --checksum writes is found, whatever the archive is called',
    [hostileText.map((name) => Buffer.from(name).toString()).filter((name) => !/^$|\/|\0/.test(name))],
    (name) => {
      const hex = '0a'.repeat(32)
      assert.equal(findChecksum(checksumLine(hex, name), name, 'f'), `sha256:${hex}`)
    },
    { examples: [['a\\b'], ['a\nb\\c.tar'], ['\\'], ['*x'], [' x '], ['\u2028']] },
  ),
  property(
    'a setting of any length is read at once',
    [repetitive([...tomlPieces, ...jsonPieces, ...proxyPieces, ...noProxyPieces, ...mirrorPieces], 20_000)],
    async (text) => {
      unlessRefused(() => decodeRegistriesConf(text, 'f', { version1: true, onWarning: () => {} }))
      unlessRefused(() => decodeDaemonJson(text, 'f', () => {}))
      unlessRefused(() => parseMirror(text))
      unlessRefused(() => parseRegistry(text))
      unlessRefused(() => findChecksum(text, 'a', 'b'))
      const proxyFor = unlessRefused(() => createProxyResolver({ all: text, none: text }))
      unlessRefused(() => proxyFor?.(new URL('https://registry.example/')))
      await unlessRejected(dockerConfigTextSource(text, 'config.json').find('ghcr.io', 'org/app'))
    },
    { share: 0.3 },
  ),
]

function unlessFile<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (!isDrayError(error, 'FILE')) throw error
    return undefined
  }
}
