import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Flags } from '../../../src/cli/command.ts'
import { credentialFiles, readCredentials } from '../../../src/cli/credentials.ts'
import type { Environment } from '../../../src/cli/environment.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

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
    expect(await source.find('ghcr.io', 'org/app')).toEqual(me)
  })

  test('are for the registries of the images only', async () => {
    const source = await read({}, { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret', ...emptyHome() })
    expect(await source.find('docker.io', 'library/nginx')).toBeUndefined()
    expect(await source.find('evil.example', 'org/app')).toBeUndefined()
  })

  test('come before what is stored', async () => {
    const authfile = writeAuth(temporaryDirectory(), 'auth.json', 'ghcr.io', 'stored')
    const source = await read({ authfile }, { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' })
    expect(await source.find('ghcr.io', 'org/app')).toEqual(me)
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
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: 'file' })
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
    expect(await source.find('docker.io', 'library/nginx')).toMatchObject({ username: 'variable' })
    expect(await source.find('ghcr.io', 'org/app')).toMatchObject({ username: 'file' })
  })

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
      [join('/run/1', 'containers', 'auth.json'), join('/cfg', 'containers', 'auth.json'), dockerFile()],
    ],
    [
      'podman’s place where there is no XDG_RUNTIME_DIR',
      {},
      'linux',
      [
        `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
        join(homedir(), '.config', 'containers', 'auth.json'),
        dockerFile(),
      ],
    ],
    [
      'no runtime directory but on Linux',
      { XDG_RUNTIME_DIR: '/run/1' },
      'darwin',
      [join(homedir(), '.config', 'containers', 'auth.json'), dockerFile()],
    ],
  ]
  test.each(cases)('are looked for in %s', (_, env, platform, files) => {
    expect(credentialFiles(env, platform)).toEqual(files)
  })
})

function dockerFile(): string {
  return join(homedir(), '.docker', 'config.json')
}

function read(flags: Flags, env: Environment, { stdin = '', isTTY = false } = {}) {
  const stream = Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY })
  const command = { references: ['ghcr.io/org/app:1'], flags }
  return readCredentials(command, { env: { ...emptyHome(), ...env }, stdin: () => stream, onWarning() {} })
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
