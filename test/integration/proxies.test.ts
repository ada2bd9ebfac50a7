import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { startDanted } from '../support/engines/danted.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { startRegistry } from '../support/engines/docker-registry.ts'
import { type DrayOptions, dray, mustPull } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import {
  createProxiedNetwork,
  inNamespace,
  type ProxiedNetwork,
} from '../support/engines/network-namespaces.ts'
import { type RunningProxy, startSquid, startTinyproxy } from '../support/engines/proxies.ts'
import { mustRun } from '../support/engines/run.ts'
import { imageIdBySkopeo } from '../support/engines/skopeo.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

describeWithEngines('a registry that only a proxy can reach', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'proxies')
  const archive = join(directory, 'image.tar')
  const cleanup: (() => Promise<void>)[] = []
  const running = new Map<string, RunningProxy>()
  let network: ProxiedNetwork
  let ca: string
  let id: string

  // The client is alone in its network with the proxies; the name is known to those of them that are told.
  const byName = () => 'registry.test:5000'
  const byAddress = () => `${network.registryAddress}:5000`
  const forbidden = 5001
  const login = { user: 'proxy-user', password: 'p@ss:w/rd' }
  const userinfo = `${login.user}:${encodeURIComponent(login.password)}@`
  // Its configuration takes no other characters.
  const simple = { user: 'proxy-user', password: 'proxy-password' }

  const proxy = (name: string): RunningProxy => {
    const found = running.get(name)
    if (!found) throw new Error(`${name} is not running`)
    return found
  }
  const start = async (name: string, starting: Promise<RunningProxy>) => {
    const started = await starting
    running.set(name, started)
    cleanup.push(started.stop)
  }
  const fromClient = (options: DrayOptions = {}) => ({ ...options, namespace: network.client })
  const pullArgs = (host: string) => [`${host}/${image}`, '--ca', ca, '-o', archive]
  const archivedId = () => imageIdBySkopeo(`docker-archive:${archive}`)

  beforeAll(async () => {
    await mkdir(directory, { mode: 0o711 })
    network = await createProxiedNetwork()
    cleanup.push(network.remove)
    const authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    const names = ['DNS:registry.test', `IP:${network.registryAddress}`]
    const certificate = await authority.issue('registry', names)
    const registry = { directory, storage: world.storage, namespace: network.registry }
    for (const port of [5000, forbidden]) {
      const address = `${network.registryAddress}:${port}`
      const secured = port === 5000 ? { certificate } : {}
      cleanup.push((await startRegistry({ ...registry, ...secured, address })).stop)
    }
    const place = (name: string) => ({
      directory: join(directory, name),
      namespace: network.proxy,
      address: network.proxyAddress,
      hosts: { 'registry.test': network.registryAddress },
    })
    const ofProxy = await authority.issue('proxy', [`IP:${network.proxyAddress}`])
    await start('squid', startSquid({ ...place('squid'), port: 3128 }))
    await start('squid with a password', startSquid({ ...place('squid-login'), port: 3129, login }))
    await start('squid behind TLS', startSquid({ ...place('squid-tls'), port: 3130, certificate: ofProxy }))
    await start('tinyproxy', startTinyproxy(place('tinyproxy'), simple))
    await start(
      'dante',
      startDanted({ ...place('dante'), login, exit: network.proxyExit, forbiddenPort: forbidden }),
    )
    id = await imageIdBySkopeo(`docker://${world.host}/${image}`)
  })

  afterAll(async () => {
    for (const step of cleanup.reverse()) await step()
  })

  test('cannot be reached without it: exit 5', async () => {
    for (const host of [byName(), byAddress()]) {
      const { exitCode, stderr } = await dray([...pullArgs(host), '--retries', '0'], fromClient())
      expect(stderr).toContain(host.replace(/:.*/, ''))
      expect(exitCode).toBe(5)
    }
  })

  const kinds = [
    ['squid', 'http://', byName, /TCP_TUNNEL\/200 \d+ CONNECT registry\.test:5000 /],
    [
      'squid with a password',
      `http://${userinfo}`,
      byName,
      /TCP_TUNNEL\/200 \d+ CONNECT registry\.test:5000 proxy-user /,
    ],
    ['squid behind TLS', 'https://', byName, /TCP_TUNNEL\/200 \d+ CONNECT registry\.test:5000 /],
    [
      'tinyproxy',
      `http://${simple.user}:${simple.password}@`,
      byAddress,
      /CONNECT 198\.51\.100\.2:5000 HTTP\/1\.1/,
    ],
    [
      'dante',
      `socks5://${userinfo}`,
      byName,
      /tcp\/connect \[: username%proxy-user@.* 198\.51\.100\.2\.5000/,
    ],
    [
      'dante',
      `socks5h://${userinfo}`,
      byAddress,
      /tcp\/connect \[: username%proxy-user@.* 198\.51\.100\.2\.5000/,
    ],
  ] as const

  const ways = [
    ['--proxy', (url: string) => ({ args: ['--proxy', url], env: {} })],
    ['HTTPS_PROXY', (url: string) => ({ args: [], env: { HTTPS_PROXY: url } })],
    ['all_proxy', (url: string) => ({ args: [], env: { all_proxy: url } })],
    ["npm's https-proxy", (url: string) => ({ args: [], env: { npm_config_https_proxy: url } })],
    ["npm's proxy", (url: string) => ({ args: [], env: { npm_config_proxy: url, npm_config_noproxy: '' } })],
  ] as const

  describe.each(kinds)('is pulled from through %s (%s)', (name, scheme, host, tunnel) => {
    test.each(ways)('that is named by %s', async (_, how) => {
      const { args, env } = how(`${scheme}${proxy(name).host}`)
      const before = (await proxy(name).readLog()).length
      await mustPull([...pullArgs(host()), ...args], fromClient({ env }))
      expect(await archivedId()).toBe(id)
      expect((await proxy(name).readLog()).slice(before)).toMatch(tunnel)
    })
  })

  test('is pulled from by npm exec, with no settings but those of npm', async () => {
    const home = join(directory, 'home')
    await mkdir(home)
    const env = { PATH: process.env.PATH, HOME: home }
    await mustRun('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory], {
      cwd: checkout,
      env,
    })
    const tarball = (await readdir(directory)).find((file) => file.endsWith('.tgz'))
    const url = `http://${userinfo}${proxy('squid with a password').host}`
    await writeFile(join(home, '.npmrc'), `https-proxy=${url}\nnoproxy=internal.test\noffline=true\n`)
    const before = (await proxy('squid with a password').readLog()).length
    const words = ['exec', '--yes', `--package=${join(directory, `${tarball}`)}`, '--', 'dray']
    const [command, args] = inNamespace(network.client, 'npm', [...words, ...pullArgs(byName())])
    await mustRun(command, args, { cwd: home, env })
    expect(await archivedId()).toBe(id)
    expect((await proxy('squid with a password').readLog()).slice(before)).toContain(
      'CONNECT registry.test:5000 proxy-user',
    )
  })

  test.each(kinds.filter(([, scheme]) => scheme.includes('@')))(
    'is kept from whoever tells %s (%s) a wrong password: exit 4, and the message is about the proxy',
    async (name, scheme, host) => {
      const url = `${scheme.replace(/:[^:]*@/, ':wrong-password@')}${proxy(name).host}`
      const { exitCode, stderr } = await dray([...pullArgs(host()), '--proxy', url], fromClient())
      expect(stderr).toContain(`the proxy ${proxy(name).host} does not accept`)
      expect(stderr).not.toContain('wrong-password')
      expect(exitCode).toBe(4)
    },
  )

  test.each(kinds.filter(([, scheme]) => scheme.includes('@')))(
    'is kept from whoever tells %s (%s) no password: exit 4',
    async (name, scheme, host) => {
      const url = `${scheme.replace(/[^/]*@/, '')}${proxy(name).host}`
      const { exitCode, stderr } = await dray(
        [...pullArgs(host())],
        fromClient({ env: { HTTPS_PROXY: url } }),
      )
      expect(stderr).toContain(`the proxy ${proxy(name).host} wants a user name and password`)
      expect(stderr).toContain('HTTPS_PROXY')
      expect(exitCode).toBe(4)
    },
  )

  test('is passed by the proxy for what NO_PROXY lists', async () => {
    const env = { HTTPS_PROXY: `http://${proxy('squid').host}`, NO_PROXY: '.test' }
    const { exitCode } = await dray([...pullArgs(byName()), '--retries', '0'], fromClient({ env }))
    expect(exitCode).toBe(5)
  })

  test('is asked for each thing, and not for a tunnel, where it speaks plain http', async () => {
    const env = { HTTP_PROXY: `http://${proxy('squid').host}` }
    await mustPull([...pullArgs(`registry.test:${forbidden}`), '--plain-http'], fromClient({ env }))
    expect(await archivedId()).toBe(id)
    const log = await proxy('squid').readLog()
    const manifest = `${manyLayers.repository}/manifests/${manyLayers.tag}`
    expect(log).toContain(`GET http://registry.test:${forbidden}/v2/${manifest} `)
    expect(log).not.toContain(`CONNECT registry.test:${forbidden}`)
  })

  test.each([
    [
      'that its rules forbid',
      () => `registry.test:${forbidden}`,
      /refused to connect .* "not allowed by its rules"/,
    ],
    ['where nothing listens', () => 'registry.test:5009', /was not able to connect .* "connection refused"/],
    ['that nobody knows', () => 'nowhere.test', /was not able to connect .* "host unreachable"/],
  ])('dante says so when it is asked for a place %s: exit 5', async (_, host, message) => {
    const url = `socks5://${userinfo}${proxy('dante').host}`
    const args = [...pullArgs(host()), '--retries', '0', '--proxy', url]
    const { exitCode, stderr } = await dray(args, fromClient())
    expect(stderr).toMatch(message)
    expect(exitCode).toBe(5)
  })

  test.each([
    ['squid', 'socks5://', /http:\/\//],
    ['squid', 'https://', /http:\/\//],
    ['squid behind TLS', 'http://', /https:\/\//],
    ['squid behind TLS', 'socks5://', /https:\/\//],
    ['tinyproxy', 'socks5://', /http:\/\//],
    ['tinyproxy', 'https://', /http:\/\//],
    ['dante', 'http://', /socks5:\/\//],
    ['dante', 'https://', /socks5:\/\//],
  ])('the message helps whoever takes %s for a proxy of kind %s', async (name, scheme, hint) => {
    const { host } = proxy(name)
    const args = [...pullArgs(byName()), '--retries', '0', '--timeout', '4', '--proxy', `${scheme}${host}`]
    const { exitCode, stderr } = await dray(args, fromClient())
    expect(stderr).toContain(`the proxy ${host}`)
    expect(stderr).toMatch(hint)
    expect([5, 8]).toContain(exitCode)
  })
})
