import { chmod, mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificateAuthority } from '../support/engines/certificate-authority.ts'
import { describeWithEngines } from '../support/engines/describe-with-engines.ts'
import { type Registry, startRegistry } from '../support/engines/docker-registry.ts'
import { dockerOf } from '../support/engines/dockerd.ts'
import { type DrayOptions, dray, mustPull } from '../support/engines/dray.ts'
import { manyLayers } from '../support/engines/images.ts'
import { mustRun, run } from '../support/engines/run.ts'
import { startTokenServer, type TokenServer } from '../support/engines/token-server.ts'

const user = 'alice'
const password = 'correct horse: battery'

describeWithEngines('dray login is worth a docker login', (world) => {
  const image = `${manyLayers.repository}:${manyLayers.tag}`
  const directory = join(world.directory, 'login')
  const stops: (() => Promise<void>)[] = []
  const docker = dockerOf(world.dockerDirectory)
  let ca: string
  let certificate: { certificate: string; key: string }
  let host: string

  const serve = async (auth: Parameters<typeof startRegistry>[0]['auth']): Promise<Registry> => {
    const registry = await startRegistry({
      directory,
      storage: world.storage,
      certificate,
      ...(auth && { auth }),
    })
    stops.push(registry.stop)
    return registry
  }

  /** Docker's directory for its config.json, with this text in it. */
  const configDirectory = async (text?: string) => {
    const path = await mkdtemp(join(directory, 'docker-'))
    if (text !== undefined) await writeFile(join(path, 'config.json'), text)
    return path
  }

  const configIn = (path: string) => readFile(join(path, 'config.json'), 'utf8')

  const login = (name: string, config: string, options: DrayOptions = {}) =>
    dray(['login', name, '--ca', ca, '-u', user, '--password-stdin'], {
      input: password,
      ...options,
      env: { DOCKER_CONFIG: config, ...options.env },
    })

  const mustLogIn = async (...args: Parameters<typeof login>) => {
    const finished = await login(...args)
    expect(finished).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`logged in to ${args[0]} as`),
    })
    return finished
  }

  const dockerLogin = (config: string) =>
    docker('--config', config, 'login', '--username', user, '--password', password, host)

  const pullWith = (config: string, name = host) =>
    mustPull([`${name}/${image}`, '--ca', ca, '-o', join(directory, 'image.tar')], {
      env: { DOCKER_CONFIG: config },
    })

  beforeAll(async () => {
    await mkdir(directory)
    const authority = await createCertificateAuthority(directory)
    ca = authority.certificate
    certificate = await authority.issue('loopback', ['IP:127.0.0.1'])
    const path = join(directory, 'htpasswd')
    await mustRun('htpasswd', ['-Bbc', path, user, password])
    host = (await serve({ htpasswd: { realm: 'the realm', path } })).host
  })

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  describe('the file', () => {
    const settings =
      '"HttpHeaders":{"X":"a&b"},"psFormat":"table {{.ID}}\\\\t{{.Image}}","detachKeys":"ctrl-e,e"'
    test.each([
      ['no file', undefined],
      ['an empty file', ''],
      ['other logins', '{"auths":{"zz.example":{"auth":"YTpi"},"a.example":{"auth":"YTpi","email":"e@x"}}}'],
      ['settings', `{${settings}}`],
      ['a helper for another registry', '{"credHelpers":{"ghcr.io":"nobody"}}'],
    ])('is the one that docker writes, byte for byte: %s', async (_, before) => {
      const [ours, dockers] = [await configDirectory(before), await configDirectory(before)]
      // Docker puts the file in its own order, which is not for dray to do: it comes before both.
      const tidy = before === undefined ? undefined : await tidied(before)
      if (tidy !== undefined)
        for (const path of [ours, dockers]) await writeFile(join(path, 'config.json'), tidy)
      await dockerLogin(dockers)
      await mustLogIn(host, ours)
      expect(await configIn(ours)).toBe(await configIn(dockers))
    })

    /** As docker leaves a file behind when it logs out of somewhere. */
    async function tidied(text: string): Promise<string> {
      if (text === '') return ''
      const path = await configDirectory(text)
      await dockerLogin(path)
      await docker('--config', path, 'logout', host)
      return configIn(path)
    }

    test('is for its owner only, as docker has it', async () => {
      const config = join(await configDirectory(), 'new')
      await mustLogIn(host, config)
      expect((await stat(config)).mode & 0o777).toBe(0o700)
      expect((await stat(join(config, 'config.json'))).mode & 0o777).toBe(0o600)
    })

    test('lets docker, podman and dray in', async () => {
      const config = await configDirectory()
      await mustLogIn(host, config)
      await docker('--config', config, 'pull', '--quiet', `${host}/${image}`)
      await docker.empty()
      const file = join(config, 'config.json')
      expect(await mustRun('podman', ['login', '--authfile', file, '--get-login', host])).toBe(user)
      await mustRun('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--authfile',
        file,
        `docker://${host}/${image}`,
      ])
      await pullWith(config)
    })

    test('of podman lets podman in', async () => {
      const file = join(await configDirectory(), 'auth.json')
      const old = { auth: Buffer.from('alice:old').toString('base64') }
      await writeFile(file, JSON.stringify({ auths: { [`https://${host}`]: old, [host]: old } }))
      await mustLogIn(host, directory, { env: { REGISTRY_AUTH_FILE: file } })
      await mustRun('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--authfile',
        file,
        `docker://${host}/${image}`,
      ])
    })
  })

  describe('a logout', () => {
    test.each([
      ['dray', 'docker', async (config: string) => void (await mustLogIn(host, config))],
      ['docker', 'docker', async (config: string) => void (await dockerLogin(config))],
    ])('of dray forgets the login of %s as %s would', async (_name, _docker, logIn) => {
      const [ours, dockers] = [await configDirectory(), await configDirectory()]
      await logIn(ours)
      await dockerLogin(dockers)
      await docker('--config', dockers, 'logout', host)
      const finished = await dray(['logout', host], { env: { DOCKER_CONFIG: ours } })
      expect(finished).toEqual({ exitCode: 0, stdout: '', stderr: `logged out of ${host}\n` })
      expect(await configIn(ours)).toBe(await configIn(dockers))
    })

    test('of docker forgets the login of dray', async () => {
      const config = await configDirectory()
      await mustLogIn(host, config)
      await docker('--config', config, 'logout', host)
      expect(JSON.parse(await configIn(config))).toEqual({ auths: {} })
      const { exitCode, stderr } = await dray(['logout', host], { env: { DOCKER_CONFIG: config } })
      expect(stderr).toContain(`not logged in to ${host}`)
      expect(exitCode).toBe(0)
    })
  })

  test('a wrong password is exit 4, is not printed, and leaves the file untouched', async () => {
    const before = '{ "auths": {} }'
    const config = await configDirectory(before)
    const { exitCode, stdout, stderr } = await login(host, config, { input: 'wrong-password' })
    expect(stderr).toContain(`${host} refused the login of ${user}`)
    expect(stdout + stderr).not.toContain('wrong-password')
    expect(await configIn(config)).toBe(before)
    expect(exitCode).toBe(4)
  })

  test('a registry without a login takes no notice, and that is said', async () => {
    const config = await configDirectory()
    const { stderr } = await mustLogIn(world.host, config)
    expect(stderr).toMatch(/warning: .*took no notice/)
  })

  test('a registry whose authority nobody knows is exit 8, and learns nothing', async () => {
    const config = await configDirectory()
    const args = ['login', host, '-u', user, '--password-stdin']
    const { exitCode } = await dray(args, { input: password, env: { DOCKER_CONFIG: config } })
    expect(exitCode).toBe(8)
    await expect(configIn(config)).rejects.toThrow('ENOENT')
  })

  describe('a registry that wants tokens', () => {
    let tokens: TokenServer
    let name: string

    beforeAll(async () => {
      tokens = await startTokenServer({ certificate, users: { [user]: 'secret' } })
      stops.push(tokens.stop)
      name = (await serve({ token: { ...tokens.registryAuth, rootcertbundle: ca } })).host
    })

    test('gives one for no repository to prove a login, and a pull goes on from there', async () => {
      const config = await configDirectory()
      await mustLogIn(name, config, { input: 'secret' })
      expect(tokens.requests.map((query) => new URLSearchParams(query).getAll('scope'))).toEqual([[]])
      await pullWith(config, name)
    })

    test('gives none for a wrong password: exit 4, in the words of the token server', async () => {
      const config = await configDirectory()
      const { exitCode, stderr } = await login(name, config, { input: 'wrong-password' })
      expect(stderr).toMatch(/refused the login of alice.*wrong user name or password/)
      expect(exitCode).toBe(4)
    })
  })

  describe('a credential helper', () => {
    let bin: string
    let log: string
    let env: Record<string, string>

    /** Keeps a login in a file, and writes down what it is asked. */
    const script = (memory: string) => `#!/bin/sh
input=$(cat)
printf '%s %s\\n' "$1" "$input" >> '${memory}.log'
case $1 in
store) printf '%s' "$input" > '${memory}' ;;
erase) rm -f '${memory}' ;;
get) if [ -e '${memory}' ]; then cat '${memory}'; else echo 'credentials not found in native keychain'; exit 1; fi ;;
esac
`

    beforeAll(async () => {
      bin = await mkdtemp(join(directory, 'bin-'))
      const memory = join(bin, 'memory')
      log = `${memory}.log`
      const helper = join(bin, 'docker-credential-memory')
      await writeFile(helper, script(memory))
      await chmod(helper, 0o755)
      env = { PATH: [bin, process.env.PATH].join(delimiter) }
    })

    test.each([
      ['for all registries', () => ({ credsStore: 'memory' })],
      ['for this one', () => ({ credHelpers: { [host]: 'memory' } })],
    ])('%s keeps the login, in the way that docker leaves it, until the logout', async (_, config) => {
      const text = JSON.stringify(config())
      const [ours, dockers] = [await configDirectory(text), await configDirectory(text)]
      const dockerArgs = ['--config', dockers, 'login', '--username', user, '--password', password, host]
      const host_ = ['--host', `unix://${join(world.dockerDirectory, 'docker.sock')}`]
      await mustRun('docker', [...host_, ...dockerArgs], { env: { ...process.env, ...env } })
      const asDocker = await readFile(log, 'utf8')
      await writeFile(log, '')

      const { stderr } = await mustLogIn(host, ours, { env })
      expect(stderr).not.toContain('unencrypted')
      const secret = { ServerURL: host, Username: user, Secret: password }
      const asked = (await readFile(log, 'utf8')).split('\n')
      expect(asked[0]).toBe(`store ${JSON.stringify(secret)}`)
      expect(asDocker).toContain(asked[0])
      expect(JSON.parse(await configIn(ours))).toEqual({ auths: { [host]: {} }, ...config() })
      expect(await configIn(ours)).toBe(await configIn(dockers))

      const pulled = [`${host}/${image}`, '--ca', ca, '-o', join(directory, 'image.tar')]
      await mustPull(pulled, { env: { ...env, DOCKER_CONFIG: ours } })
      const out = await dray(['logout', host], { env: { ...env, DOCKER_CONFIG: ours } })
      expect(out).toMatchObject({ exitCode: 0, stderr: `logged out of ${host}\n` })
      expect((await readFile(log, 'utf8')).trim().split('\n').at(-1)).toBe(`erase ${host}`)
      expect((await dray(pulled, { env: { ...env, DOCKER_CONFIG: ours } })).exitCode).toBe(4)
    })

    test('that is not there leaves the file as it was, and says what is missing', async () => {
      const text = '{"credsStore":"nowhere"}'
      const config = await configDirectory(text)
      const { exitCode, stderr } = await login(host, config)
      expect(stderr).toContain('docker-credential-nowhere is not on the PATH')
      expect(stderr).not.toContain(password)
      expect(await configIn(config)).toBe(text)
      expect(exitCode).toBe(4)
    })
  })

  test('all who log in at once are logged in', async () => {
    const config = await configDirectory('{}')
    const names = await Promise.all([1, 2].map(async () => (await serve(undefined)).host))
    await Promise.all([host, ...names].map((name) => mustLogIn(name, config)))
    const { exitCode, stdout } = await run('podman', [
      ...['login', '--authfile', join(config, 'config.json')],
      ...['--get-login', host],
    ])
    expect([exitCode, stdout.trim()]).toEqual([0, user])
    expect(Object.keys(JSON.parse(await configIn(config)).auths).sort()).toEqual([host, ...names].sort())
  })
})
