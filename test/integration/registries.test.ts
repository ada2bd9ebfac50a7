import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { type Registry, startRegistry } from '../support/engines/docker-registry.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { type DrayOptions, dray, mustPull } from '../support/engines/dray.ts'
import { hashFile } from '../support/engines/hash-file.ts'
import { manyLayers } from '../support/engines/images.ts'
import { mustRun } from '../support/engines/run.ts'
import { startSlowLink } from '../support/engines/slow-link.ts'
import {
  startTokenServer,
  type TokenServer,
  type TokenServerOptions,
} from '../support/engines/token-server.ts'

describeWithEngines('an image comes through every door of a registry', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'registries')
  const archive = join(directory, 'image.tar')
  const stops: (() => Promise<void>)[] = []
  let ca: string
  let certificate: { certificate: string; key: string }
  let expected: string

  // Whichever way it came, the archive under the same name is the same, byte for byte.
  const pullFrom = async (host: string, args: readonly string[] = [], options: DrayOptions = {}) => {
    await mustPull([`${host}/${image}`, '--name', 'example.com/same:1', '-o', archive, ...args], options)
    return hashFile(archive)
  }

  const serve = async (auth?: Parameters<typeof startRegistry>[0]['auth']): Promise<Registry> => {
    const registry = await startRegistry({
      directory,
      storage: world.storage,
      certificate,
      ...(auth && { auth }),
    })
    stops.push(registry.stop)
    return registry
  }

  const serveTokens = async (
    options: Partial<TokenServerOptions>,
  ): Promise<Registry & { tokens: TokenServer }> => {
    const tokens = await startTokenServer({ certificate, ...options })
    stops.push(tokens.stop)
    const registry = await serve({ token: { ...tokens.registryAuth, rootcertbundle: ca } })
    return { ...registry, tokens }
  }

  const sizeOfLayers = async (): Promise<number> => {
    const url = `http://${world.host}/v2/${manyLayers.repository}/manifests/${manyLayers.tag}`
    const accept = 'application/vnd.docker.distribution.manifest.v2+json'
    const { layers } = (await (await fetch(url, { headers: { accept } })).json()) as {
      layers: readonly { digest: string; size: number }[]
    }
    const sizes = new Map(layers.map(({ digest, size }) => [digest, size]))
    return [...sizes.values()].reduce((sum, size) => sum + size, 0)
  }

  beforeAll(async () => {
    await mkdir(directory)
    const authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    certificate = await authority.issue('loopback', ['IP:127.0.0.1'])
    expected = await pullFrom(world.host)
  })

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  describe('a registry with a certificate of a private authority', () => {
    let host: string

    beforeAll(async () => {
      host = (await serve()).host
    })

    test('is trusted by --ca', async () => {
      expect(await pullFrom(host, ['--ca', ca])).toBe(expected)
    })

    test('is spoken to all the same with --insecure, and that is said', async () => {
      const { exitCode, stderr } = await dray([`${host}/${image}`, '--insecure', '-o', archive])
      expect(exitCode).toBe(0)
      expect(stderr).toMatch(/not verified|not verify|insecure/i)
    })

    test('is not trusted otherwise: exit 8, and the hint is --ca', async () => {
      const { exitCode, stderr } = await dray([`${host}/${image}`, '-o', archive])
      expect(stderr).toContain('--ca')
      expect(exitCode).toBe(8)
    })
  })

  describe('a registry with htpasswd', () => {
    const login = ['alice', 'correct horse: battery'] as const
    let host: string

    beforeAll(async () => {
      const path = join(directory, 'htpasswd')
      await mustRun('htpasswd', ['-Bbc', path, ...login])
      host = (await serve({ htpasswd: { realm: 'the realm', path } })).host
    })

    test('opens to -u and --password-stdin', async () => {
      const [user, input] = login
      expect(await pullFrom(host, ['--ca', ca, '-u', user, '--password-stdin'], { input })).toBe(expected)
    })

    test('opens to DRAY_USERNAME and DRAY_PASSWORD', async () => {
      const env = { DRAY_USERNAME: login[0], DRAY_PASSWORD: login[1] }
      expect(await pullFrom(host, ['--ca', ca], { env })).toBe(expected)
    })

    test('opens to what `docker login` left behind', async () => {
      const config = join(directory, 'docker-config')
      const docker = dockerOf(world.dockerDirectory)
      await docker('--config', config, 'login', '--username', login[0], '--password', login[1], host)
      expect(await pullFrom(host, ['--ca', ca], { env: { DOCKER_CONFIG: config } })).toBe(expected)
    })

    test('opens to what `podman login` left behind', async () => {
      const file = join(directory, 'auth.json')
      const [user, password] = login
      const credentials = ['--username', user, '--password', password]
      await mustRun('podman', ['login', '--tls-verify=false', '--authfile', file, ...credentials, host])
      expect(await pullFrom(host, ['--ca', ca, '--authfile', file])).toBe(expected)
    })

    test('stays shut for a wrong password: exit 4, and the password is not printed', async () => {
      const args = [`${host}/${image}`, '--ca', ca, '-o', archive, '-u', login[0], '--password-stdin']
      const { exitCode, stderr } = await dray([...args, '--debug'], { input: 'wrong-password' })
      expect(stderr).not.toContain('wrong-password')
      expect(exitCode).toBe(4)
    })

    test('stays shut without a login: exit 4, and the hint is how to give one', async () => {
      const { exitCode, stderr } = await dray([`${host}/${image}`, '--ca', ca, '-o', archive])
      expect(stderr).toMatch(/--password-stdin|-u|login/)
      expect(exitCode).toBe(4)
    })
  })

  describe('a registry that wants tokens', () => {
    test('gives them to anybody: one for all requests of a pull, and for this repository only', async () => {
      const { host, tokens } = await serveTokens({})
      expect(await pullFrom(host, ['--ca', ca])).toBe(expected)
      expect(tokens.requests.map((query) => new URLSearchParams(query).getAll('scope'))).toEqual([
        [`repository:${manyLayers.repository}:pull`],
      ])
    })

    test('gives them to those who log in, and to nobody else', async () => {
      const { host } = await serveTokens({ users: { bob: 'secret' } })
      const login = ['--ca', ca, '-u', 'bob', '--password-stdin']
      expect(await pullFrom(host, login, { input: 'secret' })).toBe(expected)
      const { exitCode } = await dray([`${host}/${image}`, '-o', archive, ...login], { input: 'wrong' })
      expect(exitCode).toBe(4)
    })

    test.each([
      ['that says so: it is renewed', { lifetime: 2 }, 5],
      ['that claims to live longer: the refusal renews it', { lifetime: 2, claimedLifetime: 300 }, 5],
      ['of a minute, as short as servers may give them', { lifetime: 60 }, 66],
    ])('a pull outlives a token %s', async (_, lifetimes, seconds) => {
      const { host, tokens } = await serveTokens(lifetimes)
      const link = await startSlowLink(host, (await sizeOfLayers()) / seconds)
      stops.push(link.stop)
      const started = performance.now()
      expect(await pullFrom(link.host, ['--ca', ca, '-j', '1'])).toBe(expected)
      expect(performance.now() - started).toBeGreaterThan(lifetimes.lifetime * 1000)
      expect(tokens.requests.length).toBeGreaterThan(1)
    })
  })
})
