import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { type RegistryOptions, startRegistry } from '../support/engines/docker-registry.ts'
import { type DrayOptions, dray } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'

describeWithEngines('TLS with a private authority', (world) => {
  const silently = { exitCode: 0, stderr: expect.not.stringContaining('warning') }
  const directory = join(world.directory, 'tls')
  const stops: (() => Promise<unknown>)[] = []
  let authority: CertificateAuthority
  let ca: string
  let certificate: { certificate: string; key: string }
  let client: { certificate: string; key: string }

  const serve = async (options: Partial<RegistryOptions> = {}): Promise<string> => {
    const registry = await startRegistry({ directory, storage: world.storage, certificate, ...options })
    stops.push(registry.stop)
    return registry.host
  }

  const pull = (host: string, args: readonly string[] = [], options: DrayOptions = {}) =>
    dray(
      [`${host}/${manyLayers.repository}:${manyLayers.tag}`, '-o', join(directory, 'image.tar'), ...args],
      options,
    )

  /** Somewhere new, with these files at these paths. */
  const placeFiles = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const place = await mkdtemp(join(directory, 'home-'))
    for (const [path, from] of Object.entries(files)) {
      await mkdir(dirname(join(place, path)), { recursive: true })
      await copyFile(from, join(place, path))
    }
    return place
  }

  beforeAll(async () => {
    await mkdir(directory)
    authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    certificate = await authority.issue('server', ['IP:127.0.0.1'])
    client = await authority.issue('client', ['DNS:client'])
  })

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
    await rm(directory, { recursive: true })
  })

  describe('a registry with a certificate of that authority', () => {
    let host: string

    beforeAll(async () => {
      host = await serve()
    })

    test.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'npm_config_cafile', 'NPM_CONFIG_CAFILE'])(
      'is trusted by %s',
      async (name) => {
        expect(await pull(host, [], { env: { [name]: ca } })).toMatchObject(silently)
      },
    )

    test('is trusted by SSL_CERT_DIR', async () => {
      const SSL_CERT_DIR = await placeFiles({ 'company.pem': ca })
      expect(await pull(host, [], { env: { SSL_CERT_DIR } })).toMatchObject(silently)
    })

    test('is trusted by npm’s ca', async () => {
      const npm_config_ca = await readFile(ca, 'utf8')
      expect(await pull(host, [], { env: { npm_config_ca } })).toMatchObject(silently)
    })

    test.each(['.config/containers/certs.d', '.config/docker/certs.d'])(
      'is trusted by ~/%s',
      async (place) => {
        const HOME = await placeFiles({ [`${place}/${host}/ca.crt`]: ca })
        expect(await pull(host, [], { env: { HOME } })).toMatchObject(silently)
      },
    )

    test('is not trusted by a certs.d of another port, nor by its own with --no-system-config', async () => {
      const another = await placeFiles({ '.config/containers/certs.d/127.0.0.1:1/ca.crt': ca })
      expect(await pull(host, [], { env: { HOME: another } })).toMatchObject({ exitCode: 8 })
      const HOME = await placeFiles({ [`.config/containers/certs.d/${host}/ca.crt`]: ca })
      expect(await pull(host, ['--no-system-config'], { env: { HOME } })).toMatchObject({ exitCode: 8 })
    })

    test('is not trusted by itself: exit 8, with the issuer and what to do', async () => {
      const { exitCode, stderr } = await pull(host)
      expect(stderr).toMatch(/"test server", issued by "test CA"/)
      expect(stderr).toMatch(/"test CA".*--ca FILE/)
      expect(exitCode).toBe(8)
    })

    test('is spoken to unverified with npm’s strict-ssl=false, which is said even when nothing else is', async () => {
      const env = { npm_execpath: 'npm-cli.js', npm_config_strict_ssl: '' }
      const { exitCode, stderr } = await pull(host, ['--quiet'], { env })
      expect(stderr).toMatch(/not verified.*strict-ssl/)
      expect(exitCode).toBe(0)
    })
  })

  describe('a registry that wants a client certificate', () => {
    let host: string

    beforeAll(async () => {
      host = await serve({ clientAuthority: ca })
    })

    test('opens to --cert and --key', async () => {
      const args = ['--ca', ca, '--cert', client.certificate, '--key', client.key]
      expect(await pull(host, args)).toMatchObject(silently)
    })

    test.each(['.config/containers/certs.d', '.config/docker/certs.d'])('opens to ~/%s', async (place) => {
      const HOME = await placeFiles({
        [`${place}/${host}/ca.crt`]: ca,
        [`${place}/${host}/client.cert`]: client.certificate,
        [`${place}/${host}/client.key`]: client.key,
      })
      expect(await pull(host, [], { env: { HOME } })).toMatchObject(silently)
    })

    test('stays shut without one: exit 8, and the hint is how to give one', async () => {
      const { exitCode, stderr } = await pull(host, ['--ca', ca])
      expect(stderr).toMatch(/a client certificate/)
      expect(stderr).toContain('--cert FILE and --key FILE')
      expect(exitCode).toBe(8)
    })

    test('stays shut for one of another authority, which is named', async () => {
      const elsewhere = await mkdtemp(join(directory, 'other-'))
      const stranger = await (await createCertificateAuthority(elsewhere)).issue('stranger', ['DNS:stranger'])
      const args = ['--ca', ca, '--cert', stranger.certificate, '--key', stranger.key, '--retries', '0']
      const { exitCode, stderr } = await pull(host, args)
      expect(stderr).toContain(stranger.certificate)
      expect(exitCode).toBe(8)
    })

    test('is not even asked with a key that does not fit: exit 2', async () => {
      const { exitCode, stderr } = await pull(host, [
        '--ca',
        ca,
        '--cert',
        client.certificate,
        '--key',
        certificate.key,
      ])
      expect(stderr).toContain('does not belong to the certificate')
      expect(exitCode).toBe(2)
    })
  })

  test('a client certificate is not shown to where the registry redirects', async () => {
    const files = await recordingFileServer()
    const host = await serve({ clientAuthority: ca, redirect: files.url })
    const args = ['--ca', ca, '--cert', client.certificate, '--key', client.key]
    expect(await pull(host, args)).toMatchObject(silently)
    expect(files.shown.length).toBeGreaterThan(0)
    expect(new Set(files.shown)).toEqual(new Set(['none']))
  })

  /** Serves what is stored, asks for a client certificate and goes on without. */
  async function recordingFileServer() {
    const shown: string[] = []
    const keys = { cert: await readFile(certificate.certificate), key: await readFile(certificate.key) }
    const asks = { requestCert: true, rejectUnauthorized: false, ca: await readFile(ca) }
    const server = createServer({ ...keys, ...asks }, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      shown.push(subject ? String(subject.CN) : 'none')
      const path = join(world.storage, new URL(request.url ?? '', 'https://x').pathname)
      pipeline(createReadStream(path), response).catch(() => response.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stops.push(async () => server.close())
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, shown }
  }
})
