import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { configPlaces } from '../../src/cli/config-places.ts'
import { type NetworkOptions, openNetwork } from '../../src/network.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const registriesConf = '.config/containers/registries.conf'
const daemonJson = '.config/docker/daemon.json'

/** The network that these options, and the files of a home directory, make for what a user types. */
async function open(text: string, options: NetworkOptions, files: Readonly<Record<string, string>> = {}) {
  const home = temporaryDirectory()
  // Where the user has a file, the system's has no say.
  for (const [name, content] of Object.entries({ [registriesConf]: '', ...files })) {
    await mkdir(dirname(join(home, name)), { recursive: true })
    await writeFile(join(home, name), content)
  }
  const notes: string[] = []
  const warnings: string[] = []
  const network = await openNetwork([{ reference: parseReference(text), text }], {
    config: configPlaces({}, 'linux', home, 1000),
    onNote: (message) => notes.push(message),
    onWarning: (message) => warnings.push(message),
    ...options,
  })
  await network.close()
  const endpoints = network.routed.flatMap(({ route }) => route.endpoints)
  const shown = endpoints.map(({ root, repository }) => `${root}${repository}`)
  return { ...network, endpoints: shown, notes, warnings, home }
}

const relocated = `
[[registry]]
prefix = "quay.io"
location = "harbor.test/quay"
`

test.each<[string, NetworkOptions, readonly string[]]>([
  ['the registry itself', { config: undefined }, ['https://quay.io/v2/org/app']],
  ['what a file says', {}, ['https://harbor.test/v2/quay/org/app']],
  [
    'mirrors before what a file says',
    { mirrors: ['quay.io=https://m.test', 'docker.io=https://n.test'] },
    ['https://m.test/v2/org/app', 'https://harbor.test/v2/quay/org/app'],
  ],
  ['plain http is for the registry itself', { plainHttp: true }, ['http://quay.io/v2/org/app']],
])('an image is looked for at %s', async (_, options, endpoints) => {
  expect((await open('quay.io/org/app', options, { [registriesConf]: relocated })).endpoints).toEqual(
    endpoints,
  )
})

test('a short name is what the aliases of this machine make of it, and that is told', async () => {
  const files = { [registriesConf]: '[aliases]\n"fedora" = "registry.fedoraproject.test/fedora"\n' }
  const short = await open('fedora:40', {}, files)
  expect(short.endpoints).toEqual(['https://registry.fedoraproject.test/v2/fedora'])
  expect(short.notes).toEqual([
    expect.stringMatching(
      /^fedora:40 is short for registry\.fedoraproject\.test\/fedora.* as .*registries\.conf says$/,
    ),
  ])
  const full = await open('docker.io/library/fedora:40', {}, files)
  expect(full.endpoints).toEqual(['https://registry-1.docker.io/v2/library/fedora'])
})

test.each<[string, readonly string[], readonly string[]]>([
  [
    'of another registry',
    ['https://m.test'],
    ['--mirror https://m.test is for docker.io, and no image here is from there'],
  ],
  ['of its own', ['quay.io=https://m.test', 'QUAY.io:443=https://n.test'], []],
])('a mirror %s is warned of: %j → %j', async (_, mirrors, expected) => {
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const { notes } = await open('quay.io/org/app', { mirrors, onWarning })
  expect(warnings).toEqual(expected)
  const quiet = await open('quay.io/org/app', { mirrors, mirrorsFrom: 'DRAY_MIRROR', onWarning })
  expect(warnings).toEqual(expected)
  expect(quiet.notes).toHaveLength(notes.length + expected.length)
})

const daemonProxies = {
  [daemonJson]: '{ "proxies": { "https-proxy": "http://d.test", "no-proxy": "x.test" } }',
}

test.each<[string, NetworkOptions, object]>([
  ['that of the daemon where nothing else is said', {}, { https: 'http://d.test', none: 'x.test' }],
  ['the one that is given', { proxy: { https: 'http://p.test' } }, { https: 'http://p.test' }],
  [
    'none for https where there is one for http only',
    { proxy: { http: 'http://p.test' } },
    { http: 'http://p.test' },
  ],
  [
    'that of the daemon, but not for those who are to be reached directly',
    { proxy: { none: 'y.test' } },
    { https: 'http://d.test', none: 'y.test' },
  ],
])('the proxy is %s', async (_, options, proxy) => {
  const { from: _from, ...settings } = (await open('quay.io/org/app', options, daemonProxies)).proxy
  expect(settings).toEqual(proxy)
})

const clientCertificate = { certFile: 'c.pem', keyFile: 'k.pem' }

test.each([
  ['https://quay.io', [clientCertificate]],
  ['https://m.test', []],
  ['https://cdn.quay.io', []],
  ['https://quay.io:8443', []],
])('a client certificate is for the registry that is named: at %s', async (origin, shown) => {
  const { tls } = await open('quay.io/org/app', {
    tls: { clientCertificate },
    mirrors: ['quay.io=https://m.test'],
  })
  expect((await tls.forOrigin?.(new URL(origin)))?.clientCertificates).toEqual(shown)
})

test('an insecure mirror of a file makes only itself insecure', async () => {
  const conf = `[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "m.test"\ninsecure = true\n`
  const { tls } = await open('quay.io/org/app', {}, { [registriesConf]: conf })
  expect((await tls.forOrigin?.(new URL('https://m.test')))?.insecure).toBe(true)
  expect((await tls.forOrigin?.(new URL('https://quay.io')))?.insecure).toBe(false)
})

const insecureConf = `[[registry]]\nlocation = "m.test"\ninsecure = true\n`
const skippingHosts = '.config/containerd/certs.d/m.test/hosts.toml'

test.each<[string, Readonly<Record<string, string>>]>([
  [registriesConf, { [registriesConf]: insecureConf }],
  [daemonJson, { [daemonJson]: '{ "insecure-registries": ["m.test"] }' }],
  [skippingHosts, { [skippingHosts]: 'skip_verify = true\n' }],
  [skippingHosts, { [skippingHosts]: '[host."https://m.test"]\nskip_verify = true\n' }],
])('that %s switches verification off is a warning, once, when it matters', async (file, files) => {
  const { tls, warnings, home } = await open('m.test/org/app', {}, files)
  expect(warnings).toEqual([])
  for (const host of ['m.test', 'm.test', 'cdn.test']) await tls.forOrigin?.(new URL(`https://${host}`))
  expect(warnings).toEqual([`the certificate of m.test is not verified, as ${join(home, file)} says`])
})

test.each<[string, NetworkOptions, Readonly<Record<string, string>>]>([
  ['who asked for it', { tls: { insecure: true } }, { [registriesConf]: insecureConf }],
  ['of this machine itself', {}, { [daemonJson]: '{}' }],
])('there is no such warning for %s', async (_, options, files) => {
  const host = options.tls ? 'm.test' : 'localhost:5000'
  const { tls, warnings } = await open(`${host}/org/app`, options, files)
  await tls.forOrigin?.(new URL(`https://${host}`))
  expect(warnings).toEqual([])
})

test('the CAs of a registry vouch for its token server too, its client certificate stays with it', async () => {
  const { tls } = await open('registry.test/org/app', {}, certsD('registry.test'))
  const of = async (origin: string) => tls.forOrigin?.(new URL(origin))
  const own = await of('https://registry.test')
  expect(own?.caFiles).toEqual([expect.stringMatching(/ca\.crt$/)])
  expect(own?.clientCertificates).toHaveLength(1)
  expect(await of('https://auth.test')).toEqual({ ...own, clientCertificates: [] })
})

function certsD(host: string): Readonly<Record<string, string>> {
  const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')
  const directory = `.config/containers/certs.d/${host}`
  return {
    [`${directory}/ca.crt`]: fixture('ca.crt'),
    [`${directory}/me.cert`]: fixture('client.crt'),
    [`${directory}/me.key`]: fixture('client.key'),
  }
}
