import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, writeHelper } from '../support/credential-helper.ts'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { startRegistry } from '../support/engines/docker-registry.ts'
import { dray } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import { mustRun } from '../support/engines/run.ts'
import { startTokenServer } from '../support/engines/token-server.ts'

describeWithEngines('stored logins open real registries', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'credentials')
  const programs = join(directory, 'bin')
  const [user, password] = ['alice', 'correct horse: battery'] as const
  const stops: (() => Promise<void>)[] = []
  let ca: string
  /** Wants tokens, and gives them to anybody. */
  let open: string
  /** Wants tokens, and gives them to the user. */
  let tokens: string
  /** Wants the password itself. */
  let basic: string

  beforeAll(async () => {
    await mkdir(programs, { recursive: true })
    const authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    const certificate = await authority.issue('loopback', ['IP:127.0.0.1'])
    const serve = async (auth: Parameters<typeof startRegistry>[0]['auth']) => {
      const registry = await startRegistry({
        directory,
        storage: world.storage,
        certificate,
        ...(auth && { auth }),
      })
      stops.push(registry.stop)
      return registry.host
    }
    const serveTokens = async (users?: Readonly<Record<string, string>>) => {
      const server = await startTokenServer({ certificate, ...(users && { users }) })
      stops.push(server.stop)
      return serve({ token: { ...server.registryAuth, rootcertbundle: ca } })
    }
    const htpasswd = join(directory, 'htpasswd')
    await mustRun('htpasswd', ['-Bbc', htpasswd, user, password])
    basic = await serve({ htpasswd: { realm: 'the realm', path: htpasswd } })
    open = await serveTokens()
    tokens = await serveTokens({ alice: 'no-colons' })
    writeHelper(programs, 'answers', answers(user, password))
    writeHelper(programs, 'fails', 'console.log("the keychain is locked"); process.exit(1)')
    writeHelper(programs, 'hangs', 'setInterval(() => {}, 1000)')
  })

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  const pull = (host: string, env: Readonly<Record<string, string>>) =>
    dray([`${host}/${image}`, '--ca', ca, '-v', '-o', join(directory, 'image.tar')], {
      env: { PATH: `${programs}:${process.env.PATH}`, ...env },
    })

  /** The environment of someone whose files are these. */
  const atHome = async (files: Readonly<Record<string, unknown>>) => {
    const home = await mkdtemp(join(directory, 'home-'))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(home, name)), { recursive: true })
      await writeFile(join(home, name), JSON.stringify(content))
    }
    return { HOME: home, XDG_RUNTIME_DIR: join(home, 'run') }
  }

  const entries = () => ({ [basic]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } })

  test.each([
    ['~/.docker/config.json', '.docker/config.json'],
    ['the auth.json of podman until the next boot', 'run/containers/auth.json'],
    ['the auth.json of podman', '.config/containers/auth.json'],
    ['~/.dockercfg', '.dockercfg'],
  ])('kept in %s', async (_, name) => {
    const env = await atHome({ [name]: name === '.dockercfg' ? entries() : { auths: entries() } })
    const { exitCode, stderr } = await pull(basic, env)
    expect(stderr).toContain(`${join(env.HOME, name)}\n`)
    expect(exitCode).toBe(0)
  })

  test('kept in DOCKER_AUTH_CONFIG', async () => {
    const { exitCode, stderr } = await pull(basic, {
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: entries() }),
    })
    expect(stderr).toContain('DOCKER_AUTH_CONFIG\n')
    expect(exitCode).toBe(0)
  })

  describe('kept by a helper', () => {
    test.each<[string, (host: string) => unknown]>([
      ['for everything', () => ({ credsStore: 'answers', auths: { 'other.example': {} } })],
      ['for this registry', (host) => ({ credsStore: 'hangs', credHelpers: { [host]: 'answers' } })],
    ])('%s, which -v names without a secret', async (_, config) => {
      const env = await atHome({ '.docker/config.json': config(basic) })
      const { exitCode, stderr } = await pull(basic, env)
      const file = join(env.HOME, '.docker', 'config.json')
      expect(stderr).toContain(`docker-credential-answers, named by ${file}`)
      expect(stderr).not.toContain('horse')
      expect(exitCode).toBe(0)
    })

    const broken = [
      ['fails', 'docker-credential-fails failed (exit code 1): the keychain is locked'],
      ['is-missing', 'docker-credential-is-missing is not on the PATH'],
    ] as const

    test.each(broken)('that %s: a public image comes all the same, with a warning', async (name, words) => {
      const env = await atHome({ '.docker/config.json': { credsStore: name } })
      const { exitCode, stderr } = await pull(open, env)
      expect(stderr).toContain(words)
      expect(stderr).toContain(join(env.HOME, '.docker', 'config.json'))
      expect(exitCode).toBe(0)
    })

    test.each(
      broken.flatMap(([name, words]) => [
        [name, 'a password', words] as const,
        [name, 'tokens', words] as const,
      ]),
    )(
      'that %s: a registry that wants %s stays shut, and the error explains it',
      async (name, wants, words) => {
        const env = await atHome({ '.docker/config.json': { credsStore: name } })
        const { exitCode, stderr } = await pull(wants === 'tokens' ? tokens : basic, env)
        const error = stderr.slice(stderr.indexOf('dray: '))
        expect(stderr).toContain(words)
        const file = join(env.HOME, '.docker', 'config.json')
        expect(error).toContain(`repair docker-credential-${name}, which ${file} names`)
        expect(exitCode).toBe(4)
      },
    )

    test('that hangs is given up after half a minute, as one that fails', async () => {
      const env = await atHome({ '.docker/config.json': { credsStore: 'hangs' } })
      const [fromOpen, fromPrivate] = await Promise.all([pull(open, env), pull(basic, env)])
      expect(fromOpen.stderr).toContain('docker-credential-hangs gave no answer within 30 s')
      expect(fromPrivate.stderr).toContain('docker-credential-hangs gave no answer within 30 s')
      expect([fromOpen.exitCode, fromPrivate.exitCode]).toEqual([0, 4])
    })
  })
})
