import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { credentialFiles } from '../../../src/cli/credential-files.ts'
import { readCredentials } from '../../../src/cli/credentials.ts'
import type { Environment } from '../../../src/cli/environment.ts'
import type { Flags } from '../../../src/cli/flags.ts'
import type { DrayError } from '../../../src/errors.ts'
import { testWithHelpers, writeHelper } from '../../support/credential-helper.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

// Helpers are programs, which may take their time to start on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const me = { kind: 'basic', username: 'me', password: 'secret' }

describe('a user name and a password', () => {
  const cases: readonly [string, Flags, Environment, string][] = [
    ['flags', { username: 'me', passwordStdin: true }, {}, 'secret\n'],
    ['stdin with a Windows line end', { username: 'me', passwordStdin: true }, {}, 'secret\r\n'],
    ['variables', {}, { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' }, ''],
    ['flag and variable', { username: 'me' }, { DRAY_USERNAME: 'you', DRAY_PASSWORD: 'secret' }, ''],
    [
      'stdin before the variable',
      { passwordStdin: true },
      { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'no' },
      'secret',
    ],
  ]
  test.each(cases)('come from %s', async (_, flags, env, stdin) => {
    const source = await read(flags, env, { stdin })
    const from = flags.username ? '-u' : 'DRAY_USERNAME'
    expect(await source.find('ghcr.io', 'org/app')).toEqual({ ...me, from })
  })

  test('are for the registries of the images only', async () => {
    const source = await read({}, { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret', ...emptyHome() })
    expect(await source.find('docker.io', 'library/nginx')).toBeUndefined()
    expect(await source.find('evil.example', 'org/app')).toBeUndefined()
  })

  test('come before what is stored', async () => {
    const authfile = writeAuth(temporaryDirectory(), 'auth.json', 'ghcr.io', 'stored')
    const source = await read({ authfile }, { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject(me)
  })

  const errors: readonly [string, Flags, Environment, string][] = [
    ['a user without a password', { username: 'me' }, {}, ''],
    ['a password without a user', { passwordStdin: true }, {}, 'secret'],
    ['a password variable without a user', {}, { DRAY_PASSWORD: 'secret' }, ''],
    ['nothing on stdin', { username: 'me', passwordStdin: true }, { DRAY_PASSWORD: 'secret' }, '\n'],
  ]
  test.each(errors)('%s is a usage error', async (_, flags, env, stdin) => {
    await expect(read(flags, env, { stdin })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('are never asked for on a terminal', async () => {
    const reading = read({ username: 'me', passwordStdin: true }, {}, { stdin: 'x', isTTY: true })
    await expect(reading).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('stored credentials', () => {
  test('--authfile is the only file that is read', async () => {
    const directory = temporaryDirectory()
    const authfile = writeAuth(directory, 'auth.json', 'ghcr.io', 'file')
    const source = await read({ authfile }, { DOCKER_AUTH_CONFIG: authsJson('docker.io', 'variable') })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({
      username: 'file',
      from: `--authfile ${authfile}`,
    })
    expect(await source.find('docker.io', 'library/nginx')).toBeUndefined()
  })

  test('an --authfile that is not there is an error, as it was asked for by name', async () => {
    const authfile = join(temporaryDirectory(), 'none.json')
    await expect(read({ authfile }, {})).rejects.toMatchObject({ code: 'FILE' })
  })

  test('DOCKER_AUTH_CONFIG comes before the files', async () => {
    const directory = temporaryDirectory()
    writeAuth(directory, 'config.json', 'ghcr.io', 'file')
    const env = { DOCKER_CONFIG: directory, DOCKER_AUTH_CONFIG: authsJson('docker.io', 'variable') }
    const source = await read({}, env)
    expect(await source.find('docker.io', 'library/nginx')).toMatchObject({
      username: 'variable',
      from: 'DOCKER_AUTH_CONFIG',
    })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({
      username: 'file',
      from: join(directory, 'config.json'),
    })
  })

  test.each([
    '{',
    '[]',
    '{"auths":[]}',
    '{"auths":{"ghcr.io":{"auth":"c2VjcmV0"}}}',
    '{"auths":{"ghcr.io":5}}',
    '{"auths":{"ghcr.io":{"auth":5}}}',
    '{"credsStore":5}',
  ])('DOCKER_AUTH_CONFIG that makes no sense is a warning, once: %s', async (text) => {
    const directory = temporaryDirectory()
    writeAuth(directory, 'config.json', 'ghcr.io', 'file')
    const warnings: string[] = []
    const env = { DOCKER_CONFIG: directory, DOCKER_AUTH_CONFIG: text }
    const source = await read({}, env, { onWarning: (message) => warnings.push(message) })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: 'file' })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: 'file' })
    expect(warnings).toEqual([expect.stringMatching(/DOCKER_AUTH_CONFIG.*; going on without$/)])
    expect(warnings.join()).not.toContain('c2VjcmV0')
  })

  test.each<[string, (file: string) => Environment]>([
    ['REGISTRY_AUTH_FILE', (file) => ({ REGISTRY_AUTH_FILE: file })],
    ['DOCKER_CONFIG', (file) => ({ DOCKER_CONFIG: dirname(file) })],
  ])('%s with a file that makes no sense is an error, as it was asked for by name', async (_, env) => {
    const file = join(temporaryDirectory(), 'config.json')
    writeFileSync(file, '{')
    const source = await read({}, env(file))
    await expect(source.find('ghcr.io', 'org/app')).rejects.toMatchObject({ code: 'FILE' })
  })

  const home = join('/home', 'me')
  const docker = join(home, '.docker', 'config.json')
  const legacy = join(home, '.dockercfg')
  const cases: readonly [string, Environment, string, readonly string[]][] = [
    [
      'REGISTRY_AUTH_FILE alone',
      { REGISTRY_AUTH_FILE: '/r.json', DOCKER_CONFIG: '/d' },
      'linux',
      ['/r.json'],
    ],
    [
      'DOCKER_CONFIG alone',
      { DOCKER_CONFIG: '/d', XDG_RUNTIME_DIR: '/run/1' },
      'linux',
      [join('/d', 'config.json')],
    ],
    [
      'podman’s two files, then docker’s',
      { XDG_RUNTIME_DIR: '/run/1', XDG_CONFIG_HOME: '/cfg' },
      'linux',
      [join('/run/1', 'containers', 'auth.json'), join('/cfg', 'containers', 'auth.json'), docker, legacy],
    ],
    [
      'podman’s place where there is no XDG_RUNTIME_DIR',
      {},
      'linux',
      [
        `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
        join(home, '.config', 'containers', 'auth.json'),
        docker,
        legacy,
      ],
    ],
    [
      'no runtime directory but on Linux',
      { XDG_RUNTIME_DIR: '/run/1' },
      'darwin',
      [join(home, '.config', 'containers', 'auth.json'), docker, legacy],
    ],
    [
      'podman’s place before XDG_CONFIG_HOME elsewhere than on Linux',
      { XDG_CONFIG_HOME: '/cfg' },
      'win32',
      [
        join(home, '.config', 'containers', 'auth.json'),
        join('/cfg', 'containers', 'auth.json'),
        docker,
        legacy,
      ],
    ],
  ]
  test.each(cases)('are looked for in %s', (_, env, platform, files) => {
    const found = credentialFiles({ HOME: home, USERPROFILE: home, ...env }, platform)
    expect(found.map(({ path }) => path)).toEqual(files)
  })

  const places = [
    ['run', 'containers', 'auth.json'],
    ['.config', 'containers', 'auth.json'],
    ['.docker', 'config.json'],
    ['.dockercfg'],
  ]

  /** A home in which each of the places knows its own number as a user, from `first` on. */
  function homeFrom(first: number): Environment {
    const home = temporaryDirectory()
    for (const [i, place] of [...places.entries()].slice(first)) {
      const file = join(home, ...place)
      mkdirSync(dirname(file), { recursive: true })
      const config = authsJson('ghcr.io', `user ${i}`)
      writeFileSync(file, place.length === 1 ? JSON.stringify(JSON.parse(config).auths) : config)
    }
    return { DOCKER_CONFIG: '', HOME: home, USERPROFILE: home, XDG_RUNTIME_DIR: join(home, 'run') }
  }

  test.runIf(process.platform === 'linux').each([0, 1, 2, 3])(
    'of the first place that knows the registry are taken: %i',
    async (first) => {
      const source = await read({}, homeFrom(first))
      expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: `user ${first}` })
      expect(await source.find('other.io', 'org/app')).toBeUndefined()
    },
  )

  test.each([2, 3])('in a usual place that makes no sense are a warning: %i', async (first) => {
    const env = homeFrom(first)
    writeFileSync(join(env.HOME ?? '', ...(places[first] ?? [])), '{')
    const warnings: string[] = []
    const source = await read({}, env, { onWarning: (message) => warnings.push(message) })
    expect(await source.find('ghcr.io', 'org/app')).toEqual(
      first === 3 ? undefined : expect.objectContaining({ username: 'user 3' }),
    )
    expect(warnings).toEqual([expect.stringMatching(/are not valid JSON \(line 1\); going on without$/)])
  })
})

describe.skipIf(process.platform === 'win32')('what is no file', () => {
  const homeWith = (place: (file: string) => void): Environment => {
    const home = temporaryDirectory()
    mkdirSync(join(home, '.docker'))
    place(join(home, '.docker', 'config.json'))
    return { HOME: home, DOCKER_CONFIG: '', XDG_RUNTIME_DIR: home }
  }

  test.each<[string, RegExp, (file: string) => void]>([
    ['a FIFO', /is no file; going on without$/, (file) => execFileSync('mkfifo', [file])],
    ['a device', /is no file; going on without$/, (file) => symlinkSync('/dev/zero', file)],
    [
      'very large',
      /too large: more than 4 MiB; going on/,
      (file) => writeFileSync(file, ' '.repeat(2 ** 22 + 1)),
    ],
  ])('is passed over with a warning, in a usual place, and told: %s', async (_, warning, place) => {
    const warnings: string[] = []
    const problems: DrayError[] = []
    const env = homeWith(place)
    const source = await read({}, env, { onWarning: (message) => warnings.push(message) })
    const onProblem = (problem: DrayError) => problems.push(problem)
    expect(await source.find('ghcr.io', 'org/app', onProblem)).toBeUndefined()
    expect(warnings).toEqual([expect.stringMatching(warning)])
    const file = join(env.HOME ?? '', '.docker', 'config.json')
    expect(problems.map(({ hint }) => hint)).toEqual([expect.stringContaining(`repair ${file}`)])
  })

  test.each<[string, (file: string) => [Flags, Environment]]>([
    ['--authfile', (authfile) => [{ authfile }, {}]],
    ['REGISTRY_AUTH_FILE', (file) => [{}, { REGISTRY_AUTH_FILE: file }]],
  ])('may be a pipe where %s names it', async (_, named) => {
    const file = join(temporaryDirectory(), 'pipe')
    execFileSync('mkfifo', [file])
    const writer = writeFile(file, authsJson('ghcr.io', 'piped'))
    const source = await read(...named(file))
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: 'piped' })
    await writer
  })
})

describe('credential helpers', () => {
  testWithHelpers('are looked for on PATH, without our own secrets', async () => {
    const directory = temporaryDirectory()
    const secrets = 'Object.keys(process.env).filter((name) => /DRAY|DOCKER_AUTH/.test(name)).join()'
    writeHelper(
      directory,
      'desk',
      `console.log(JSON.stringify({ Username: 'desk' + ${secrets}, Secret: 'x' }))`,
    )
    const env = {
      PATH: directory,
      DRAY_PASSWORD: 'secret',
      DRAY_USERNAME: 'me',
      DOCKER_AUTH_CONFIG: '{"credsStore":"desk"}',
    }
    const source = await read({}, env)
    expect(await source.find('other.io', 'org/app')).toMatchObject({
      username: 'desk',
      from: 'docker-credential-desk, named by DOCKER_AUTH_CONFIG',
    })
  })

  test('that are broken are no reason to look further', async () => {
    const directory = temporaryDirectory()
    writeAuth(directory, 'config.json', 'ghcr.io', 'file')
    const env = { PATH: '', DOCKER_CONFIG: directory, DOCKER_AUTH_CONFIG: '{"credsStore":"none"}' }
    const source = await read({}, env)
    await expect(source.find('ghcr.io', 'org/app')).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/docker-credential-none is not on the PATH; DOCKER_AUTH_CONFIG/),
    })
  })

  testWithHelpers('are ended with the pull', async () => {
    const directory = temporaryDirectory()
    writeHelper(directory, 'desk', 'setInterval(() => {}, 1000)')
    const controller = new AbortController()
    const env = { PATH: directory, DOCKER_AUTH_CONFIG: '{"credsStore":"desk"}' }
    const source = await read({}, env, { signal: controller.signal })
    const found = source.find('ghcr.io', 'org/app')
    controller.abort()
    await expect(found).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

interface ReadOptions {
  readonly stdin?: string
  readonly isTTY?: boolean
  readonly onWarning?: (message: string) => void
  readonly signal?: AbortSignal
}

function read(flags: Flags, env: Environment, options: ReadOptions = {}) {
  const { stdin = '', isTTY = false, onWarning = () => {}, signal } = options
  const stream = Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY })
  return readCredentials(
    { references: ['ghcr.io/org/app:1'], flags },
    { env: { ...emptyHome(), ...env }, stdin: () => stream, onWarning, signal },
  )
}

/** Keeps the tests off the real credentials of whoever runs them. */
function emptyHome(): Environment {
  return { REGISTRY_AUTH_FILE: '', DOCKER_CONFIG: join(temporaryDirectory(), 'none') }
}

function writeAuth(directory: string, name: string, registry: string, username: string): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, name)
  writeFileSync(file, authsJson(registry, username))
  return file
}

function authsJson(registry: string, username: string): string {
  return JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${username}:x`).toString('base64') } } })
}
