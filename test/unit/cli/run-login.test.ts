import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Environment } from '../../../src/cli/environment.ts'
import type { Flags } from '../../../src/cli/flags.ts'
import { runLogin, runLogout } from '../../../src/cli/run-login.ts'
import { FakeStream } from '../../support/fake-stream.ts'
import { type Handler, serve } from '../../support/serve.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const password = 'correct horse: battery'
const auth = Buffer.from(`alice:${password}`).toString('base64')

const registry: Handler = (request, response) => {
  if (request.headers.authorization === `Basic ${auth}`) response.end('{}')
  else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end('wrong')
}

async function start(handler: Handler = registry) {
  const server = await serve(handler)
  onTestFinished(() => server.close())
  return server.host
}

interface Given {
  readonly flags?: Flags
  readonly env?: Environment
  readonly stdin?: string
  /** Docker's, for both directories. */
  readonly directory?: string
}

async function run(kind: 'login' | 'logout', name: string, given: Given = {}) {
  const { flags = { username: 'alice', passwordStdin: true }, env, stdin = `${password}\n` } = given
  const directory = given.directory ?? temporaryDirectory()
  const surroundings = {
    env: { DOCKER_CONFIG: directory, ...env },
    stdin: () => Readable.from([stdin]),
    stdout: new FakeStream(),
    stderr: new FakeStream(),
    signals: new EventEmitter(),
    exit: vi.fn(),
    loadPull: () => Promise.reject(new Error('nothing is pulled')),
  }
  const act = kind === 'login' ? runLogin : runLogout
  const exitCode = await act({ kind, registry: name, flags }, surroundings)
  const file = join(directory, 'config.json')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  return { exitCode, file, text, stdout: surroundings.stdout.text, stderr: surroundings.stderr.text }
}

describe('dray login', () => {
  test('says who is logged in where, and that the password is readable there', async () => {
    const host = await start()
    const { exitCode, file, text, stdout, stderr } = await run('login', `http://${host}/`)
    expect(JSON.parse(text ?? '')).toEqual({ auths: { [host]: { auth } } })
    expect(stdout).toBe('')
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^warning: the password is stored unencrypted in .*credsStore/),
      `logged in to ${host} as alice`,
      '',
    ])
    expect(stderr).toContain(file)
    expect(exitCode).toBe(0)
  })

  test('with --json tells it on stdout, and nothing secret', async () => {
    const host = await start()
    const flags = { username: 'alice', passwordStdin: true, json: true }
    const { file, stdout } = await run('login', host, { flags })
    expect(JSON.parse(stdout)).toEqual({ registry: host, username: 'alice', file })
  })

  test('takes user and password from variables as well', async () => {
    const env = { DRAY_USERNAME: 'alice', DRAY_PASSWORD: password }
    expect(await run('login', await start(), { flags: {}, env })).toMatchObject({ exitCode: 0 })
  })

  test('takes no notice of variables that are about an image', async () => {
    const env = { DRAY_OUTPUT: '-', DRAY_FORMAT: 'zip', DRAY_JOBS: 'many', DRAY_MIRROR: ':' }
    expect(await run('login', await start(), { env })).toMatchObject({ exitCode: 0 })
  })

  test.each<[string, Given]>([
    ['a wrong password', { stdin: 'wr0ng' }],
    [
      'a wrong password, with every detail',
      { stdin: 'wr0ng', flags: { username: 'alice', passwordStdin: true, debug: true } },
    ],
  ])('refuses %s, prints no secret and leaves the file alone', async (_, given) => {
    const host = await start()
    const { exitCode, text, stdout, stderr } = await run('login', host, given)
    expect(stderr).toContain(`dray: ${host} refused the login of alice (401) (wrong)`)
    expect(stdout + stderr).not.toMatch(/wr0ng|YWxpY2U6/)
    expect(text).toBeUndefined()
    expect(exitCode).toBe(4)
  })

  test('with --json tells of a failure there, too', async () => {
    const flags = { username: 'alice', passwordStdin: true, json: true }
    const { stdout } = await run('login', await start(), { flags, stdin: 'wr0ng' })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'UNAUTHORIZED', exitCode: 4 } })
  })

  test('stores a login that nobody has asked for, and says so', async () => {
    const host = await start((_, response) => void response.end('{}'))
    const { exitCode, text, stderr } = await run('login', host)
    expect(stderr).toMatch(/warning: .* took no notice/)
    expect(text).toContain(auth)
    expect(exitCode).toBe(0)
  })

  test.each<[string, Given]>([
    ['without a user and a password', { flags: {} }],
    ['without a password', { flags: { username: 'alice' } }],
    ['with an empty password', { stdin: '\n' }],
    ['with a colon in the user name', { flags: { username: 'alice:secret', passwordStdin: true } }],
  ])('%s asks nobody, and says how it is done', async (_, given) => {
    const asked = vi.fn()
    const host = await start(asked)
    const { exitCode, stderr } = await run('login', host, given)
    expect(stderr).toMatch(/--password-stdin/)
    expect(stderr).not.toContain('secret')
    expect(asked).not.toHaveBeenCalled()
    expect(exitCode).toBe(2)
  })

  test('of what is no registry fails before anything happens', async () => {
    await expect(run('login', 'ghcr.io/org')).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('warns of another login that a pull would find first', async () => {
    const host = await start()
    const old = Buffer.from('alice:old').toString('base64')
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth: old } } }) }
    const { exitCode, stderr } = await run('login', host, { env })
    expect(stderr).toMatch(/warning: .*finds another login first, in DOCKER_AUTH_CONFIG/)
    expect(exitCode).toBe(0)
  })
})

describe('the file', () => {
  const directory = () => temporaryDirectory()
  test.each<[string, (place: string) => Given, string]>([
    [
      'of --authfile',
      (at) => ({ flags: { username: 'alice', passwordStdin: true, authfile: join(at, 'a.json') } }),
      'a.json',
    ],
    [
      'of REGISTRY_AUTH_FILE',
      (at) => ({ env: { REGISTRY_AUTH_FILE: join(at, 'new', 'b.json') } }),
      'new/b.json',
    ],
    ['in DOCKER_CONFIG', (at) => ({ directory: at }), 'config.json'],
    [
      'in the home directory',
      (at) => ({ env: { DOCKER_CONFIG: '', ...fakeHome(at) } }),
      '.docker/config.json',
    ],
  ])('%s is the one that is written', async (_, given, expected) => {
    const place = directory()
    const { exitCode } = await run('login', await start(), given(place))
    expect(exitCode).toBe(0)
    expect(readFileSync(join(place, expected), 'utf8')).toContain(auth)
  })

  /** The home directory is the process's own business. */
  function fakeHome(at: string): Environment {
    vi.stubEnv('HOME', at)
    vi.stubEnv('USERPROFILE', at)
    onTestFinished(() => void vi.unstubAllEnvs())
    return { XDG_RUNTIME_DIR: join(at, 'run') }
  }
})

describe('dray logout', () => {
  test('forgets what login has stored', async () => {
    const host = await start()
    const directory = temporaryDirectory()
    await run('login', host, { directory })
    const { exitCode, text, stdout, stderr } = await run('logout', `https://${host}`, {
      directory,
      flags: {},
    })
    expect([exitCode, stdout, stderr]).toEqual([0, '', `logged out of ${host}\n`])
    expect(text).toBe('{\n\t"auths": {}\n}')
  })

  test('of what one is not logged in to says so, and is no failure', async () => {
    const { exitCode, file, text, stdout, stderr } = await run('logout', 'reg.example', {
      flags: { json: true },
    })
    expect(stderr).toBe(`not logged in to reg.example (${file})\n`)
    expect(JSON.parse(stdout)).toEqual({ registry: 'reg.example' })
    expect(text).toBeUndefined()
    expect(exitCode).toBe(0)
  })

  test('does not write over a file that it cannot read', async () => {
    const directory = temporaryDirectory()
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'config.json'), '{"auths":')
    const { exitCode, text, stderr } = await run('logout', 'reg.example', { directory, flags: {} })
    expect(stderr).toContain('not valid JSON')
    expect(text).toBe('{"auths":')
    expect(exitCode).toBe(7)
  })
})
