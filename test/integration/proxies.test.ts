import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { startRegistry } from '../support/engines/docker-registry.ts'
import { type DrayOptions, dray, mustPull } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import { createProxiedNetwork, type ProxiedNetwork } from '../support/engines/network-namespaces.ts'
import { type RunningProxy, startSquid, startTinyproxy } from '../support/engines/proxies.ts'
import { imageIdBySkopeo } from '../support/engines/skopeo.ts'

describeWithEngines('a registry that only a proxy can reach', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'proxies')
  const archive = join(directory, 'image.tar')
  const cleanup: (() => Promise<void>)[] = []
  let network: ProxiedNetwork
  let ca: string
  let id: string

  // The client is alone in its network with the proxy.
  const fromClient = (options: DrayOptions = {}) => ({ ...options, namespace: network.client })
  const pullArgs = (host: string) => [`${host}/${image}`, '--ca', ca, '-o', archive]
  const archivedId = () => imageIdBySkopeo(`docker-archive:${archive}`)

  beforeAll(async () => {
    await mkdir(directory, { mode: 0o711 })
    network = await createProxiedNetwork()
    cleanup.push(network.remove)
    const authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    const certificate = await authority.issue('registry', [
      'DNS:registry.test',
      `IP:${network.registryAddress}`,
    ])
    const place = { directory, storage: world.storage, namespace: network.registry }
    const address = network.registryAddress
    cleanup.push((await startRegistry({ ...place, address: `${address}:5000`, certificate })).stop)
    cleanup.push((await startRegistry({ ...place, address: `${address}:5001` })).stop)
    id = await imageIdBySkopeo(`docker://${world.host}/${image}`)
  })

  afterAll(async () => {
    for (const step of cleanup.reverse()) await step()
  })

  test('cannot be reached without it: exit 5', async () => {
    for (const host of ['registry.test:5000', `${network.registryAddress}:5000`]) {
      const { exitCode, stderr } = await dray([...pullArgs(host), '--retries', '0'], fromClient())
      expect(stderr).toContain(host.replace(/:.*/, ''))
      expect(exitCode).toBe(5)
    }
  })

  describe('squid, which alone knows the name of the registry', () => {
    const host = 'registry.test:5000'
    let squid: RunningProxy

    beforeAll(async () => {
      const place = {
        directory: join(directory, 'squid'),
        namespace: network.proxy,
        address: network.proxyAddress,
      }
      squid = await startSquid(place, { 'registry.test': network.registryAddress })
      cleanup.push(squid.stop)
    })

    test.each([
      ['--proxy', () => ({ args: ['--proxy', `http://${squid.host}`], env: {} })],
      ['HTTPS_PROXY', () => ({ args: [], env: { HTTPS_PROXY: `http://${squid.host}` } })],
      ['https_proxy without a scheme', () => ({ args: [], env: { https_proxy: squid.host } })],
    ])('lets an image through, asked by %s', async (_, how) => {
      const { args, env } = how()
      const before = (await squid.readLog()).length
      await mustPull([...pullArgs(host), ...args], fromClient({ env }))
      expect(await archivedId()).toBe(id)
      expect((await squid.readLog()).slice(before)).toMatch(
        /TCP_TUNNEL\/200 \d+ CONNECT registry\.test:5000 /,
      )
    })

    test('is asked for each thing, and not for a tunnel, where the registry speaks plain http', async () => {
      const env = { HTTP_PROXY: `http://${squid.host}` }
      await mustPull([...pullArgs('registry.test:5001'), '--plain-http'], fromClient({ env }))
      expect(await archivedId()).toBe(id)
      const log = await squid.readLog()
      expect(log).toContain(
        `GET http://registry.test:5001/v2/${manyLayers.repository}/manifests/${manyLayers.tag} `,
      )
      expect(log).not.toContain('CONNECT registry.test:5001')
    })

    test('is passed by for what NO_PROXY lists', async () => {
      const env = { HTTPS_PROXY: `http://${squid.host}`, NO_PROXY: '.test' }
      const { exitCode } = await dray([...pullArgs(host), '--retries', '0'], fromClient({ env }))
      expect(exitCode).toBe(5)
    })
  })

  describe('tinyproxy, which wants a password', () => {
    const login = { user: 'proxy-user', password: 'proxy-password' }
    let host: string
    let tinyproxy: RunningProxy

    beforeAll(async () => {
      host = `${network.registryAddress}:5000`
      const place = {
        directory: join(directory, 'tinyproxy'),
        namespace: network.proxy,
        address: network.proxyAddress,
      }
      tinyproxy = await startTinyproxy(place, login)
      cleanup.push(tinyproxy.stop)
    })

    const url = (password: string) => `http://${login.user}:${password}@${tinyproxy.host}`

    test.each([
      ['--proxy', () => ({ args: ['--proxy', url(login.password)], env: {} })],
      ['HTTPS_PROXY', () => ({ args: [], env: { HTTPS_PROXY: url(login.password) } })],
    ])('lets an image through, asked by %s', async (_, how) => {
      const { args, env } = how()
      const before = (await tinyproxy.readLog()).length
      await mustPull([...pullArgs(host), ...args], fromClient({ env }))
      expect(await archivedId()).toBe(id)
      expect((await tinyproxy.readLog()).slice(before)).toContain(`CONNECT ${host} HTTP/1.1`)
    })

    test('stops a wrong password: exit 4, the message is about the proxy and does not print it', async () => {
      const { exitCode, stderr } = await dray(
        [...pullArgs(host), '--proxy', url('wrong-password')],
        fromClient(),
      )
      expect(stderr).toMatch(/proxy/i)
      expect(stderr).not.toContain('wrong-password')
      expect(exitCode).toBe(4)
    })
  })
})
