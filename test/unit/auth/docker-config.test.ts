import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../../src/auth/credential.ts'
import type { CredentialHelper } from '../../../src/auth/credential-helper.ts'
import {
  type DockerConfigOptions,
  dockerConfigSource,
  dockerConfigTextSource,
  legacyDockerConfigSource,
} from '../../../src/auth/docker-config.ts'
import { DrayError } from '../../../src/errors.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const login = (username: string, from = 'TEST_CONFIG'): Credential => ({
  kind: 'basic',
  username,
  password: 'pw',
  from,
})
const entry = (username: string) => ({ auth: base64(`${username}:pw`) })

function find(
  config: unknown,
  registry: string,
  repository = 'library/x',
  options: DockerConfigOptions = {},
) {
  return dockerConfigTextSource(JSON.stringify(config), 'TEST_CONFIG', options).find(registry, repository)
}

describe('the entry for a repository', () => {
  const auths = {
    'reg.io': entry('host'),
    'reg.io/team': entry('team'),
    'reg.io/team/app': entry('app'),
    'reg.io:5000': entry('port'),
    'notreg.io': entry('other'),
    'https://index.docker.io/v1/': entry('hub'),
    'https://old.io/v1/': entry('old'),
    'http://plain.io': entry('plain'),
    'v1.io/v1/': entry('v1'),
    'v2.io/v2': entry('v2'),
    'space.io/team': entry('space'),
  }

  test.each([
    ['reg.io', 'x', 'host'],
    ['reg.io', 'team', 'team'],
    ['reg.io', 'team/other', 'team'],
    ['reg.io', 'team/app', 'app'],
    ['reg.io', 'team/app/deep', 'app'],
    ['reg.io', 'teammate/x', 'host'],
    ['reg.io:5000', 'team/app', 'port'],
    ['notreg.io', 'team/app', 'other'],
    ['docker.io', 'library/nginx', 'hub'],
    ['index.docker.io', 'library/nginx', undefined],
    ['old.io', 'x', 'old'],
    ['plain.io', 'x', 'plain'],
    ['v1.io', 'x', 'v1'],
    ['v2.io', 'x', 'v2'],
    ['space.io', 'team/x', 'space'],
    ['space.io', 'x', undefined],
    ['reg.io:443', 'x', undefined],
    ['sub.reg.io', 'x', undefined],
    ['eg.io', 'x', undefined],
    ['reg.io.evil.com', 'x', undefined],
    ['__proto__', 'x', undefined],
    ['constructor', 'x', undefined],
  ])('%s/%s is found under its own name only', async (registry, repository, username) => {
    expect(await find({ auths }, registry, repository)).toEqual(username && login(username))
  })

  test.each([
    'https://index.docker.io/v1/',
    'index.docker.io',
    'docker.io',
    'https://registry-1.docker.io',
    'index.docker.io/library',
  ])('of Docker Hub may be called %s', async (key) => {
    expect(await find({ auths: { [key]: entry('me') } }, 'docker.io', 'library/nginx')).toEqual(login('me'))
  })

  test.each([
    ['private.corp', 'PRIVATE.corp'],
    ['Private.Corp', 'private.corp'],
    ['https://PRIVATE.corp/v1/', 'private.corp'],
    ['Private.corp/team', 'private.corp'],
  ])('may be written in other letters: %s for %s', async (key, registry) => {
    expect(await find({ auths: { [key]: entry('me') } }, registry, 'team/app')).toEqual(login('me'))
  })

  test('is the literal key rather than another way to write it', async () => {
    const both = { 'https://reg.io/v1/': entry('old'), 'reg.io': entry('new') }
    expect(await find({ auths: both }, 'reg.io')).toEqual(login('new'))
  })
})

describe('what an entry may hold', () => {
  test.each<[string, unknown, Credential | undefined]>([
    [
      'a password with colons',
      { auth: base64('me:a:b') },
      { kind: 'basic', username: 'me', password: 'a:b' },
    ],
    ['line ends of a base64 command', { auth: `${base64('me:pw')}\n` }, login('me')],
    ['a password padded with NULs', { auth: base64('me:pw\0\0') }, login('me')],
    ['an empty password', { auth: base64('me:') }, { kind: 'basic', username: 'me', password: '' }],
    ['a user name and password in the open', { username: 'me', password: 'pw' }, login('me')],
    [
      'an identity token beside auth',
      { ...entry('me'), identitytoken: 'it' },
      { kind: 'identity-token', token: 'it' },
    ],
    ['a registry token', { ...entry('me'), registrytoken: 'rt' }, { kind: 'registry-token', token: 'rt' }],
    ['nothing', {}, undefined],
    ['an e-mail address only', { email: 'me@example.com' }, undefined],
  ])('%s', async (_, value, expected) => {
    const found = await find({ auths: { 'reg.io': value } }, 'reg.io')
    expect(found).toEqual(expected && { ...expected, from: 'TEST_CONFIG' })
  })

  test.each<[string, unknown, RegExp]>([
    ['text that is not base64', { auth: 'p!ss' }, /reg\.io in TEST_CONFIG.*not base64/],
    ['no colon', { auth: base64('me') }, /reg\.io in TEST_CONFIG.*a colon/],
    ['no user name', { auth: base64(':pw') }, /reg\.io in TEST_CONFIG.*user name/],
    ['no object', 'me:pw', /reg\.io in TEST_CONFIG.*not a JSON object/],
    ['a number for a password', { auth: 5 }, /reg\.io in TEST_CONFIG.*"auth" is not a string/],
    ['a list for a token', { identitytoken: ['x'] }, /reg\.io in TEST_CONFIG.*"identitytoken" is not a s/],
  ])('%s is an error for the one who wants it, and for nobody else', async (_, value, message) => {
    const config = { auths: { 'reg.io': value, 'good.io': entry('me') } }
    await expect(find(config, 'reg.io')).rejects.toMatchObject({
      code: 'FILE',
      message: expect.stringMatching(message),
    })
    expect(await find(config, 'good.io')).toEqual(login('me'))
  })
})

describe('credential helpers', () => {
  const asks: string[] = []
  const helper: CredentialHelper = async (name, url) => {
    asks.push(`${name} ${url}`)
    return url === 'unknown.io' ? undefined : { kind: 'basic', username: name, password: 'pw' }
  }

  test.each<[string, unknown, string, string | undefined, string[]]>([
    ['the store is asked', { credsStore: 'desk' }, 'reg.io', 'desk', ['desk reg.io']],
    [
      'a helper of its own beats the store',
      { credsStore: 'desk', credHelpers: { 'reg.io': 'own' } },
      'reg.io',
      'own',
      ['own reg.io'],
    ],
    [
      'Docker Hub has its old URL',
      { credsStore: 'desk' },
      'docker.io',
      'desk',
      ['desk https://index.docker.io/v1/'],
    ],
    [
      'the store beats outdated entries',
      { credsStore: 'desk', auths: { 'reg.io': entry('old') } },
      'reg.io',
      'desk',
      ['desk reg.io'],
    ],
    [
      'entries are for what the store does not know',
      { credsStore: 'desk', auths: { 'unknown.io': entry('me') } },
      'unknown.io',
      'me',
      ['desk unknown.io'],
    ],
    [
      'its own helper has the last word',
      { credHelpers: { 'unknown.io': 'own' }, auths: { 'unknown.io': entry('me') } },
      'unknown.io',
      undefined,
      ['own unknown.io'],
    ],
    [
      'an empty helper of its own means the file',
      { credsStore: 'desk', credHelpers: { 'reg.io': '' }, auths: { 'reg.io': entry('me') } },
      'reg.io',
      'me',
      [],
    ],
    ['nobody is asked without need', { auths: { 'reg.io': entry('me') } }, 'reg.io', 'me', []],
  ])('%s', async (_, config, registry, username, expected) => {
    asks.length = 0
    const credential = await find(config, registry, 'x', { helper })
    expect(credential).toEqual(username && login(username, expect.stringMatching(/TEST_CONFIG$/)))
    expect(asks).toEqual(expected)
  })

  test.each([{ credsStore: 5 }, { credHelpers: { 'reg.io': ['desk'] } }])(
    'must have a name: %j',
    async (config) => {
      await expect(find(config, 'reg.io', 'x', { helper })).rejects.toMatchObject({
        code: 'FILE',
        message: expect.stringMatching(/^"(credsStore|reg\.io)" in TEST_CONFIG is not a string$/),
      })
    },
  )

  test('are asked for the registry as it is typed, then in lower case, as logins are stored', async () => {
    asks.length = 0
    const lower: CredentialHelper = async (name, url) =>
      url === 'private.corp' ? helper(name, url) : void asks.push(`${name} ${url}`)
    expect(await find({ credsStore: 'desk' }, 'PRIVATE.corp', 'x', { helper: lower })).toMatchObject({
      username: 'desk',
    })
    expect(asks).toEqual(['desk PRIVATE.corp', 'desk private.corp'])
  })

  test.each([{ credsStore: 'desk' }, { credHelpers: { 'reg.io': 'desk' } }])(
    'what one of them says comes from it: %j',
    async (config) => {
      const from = 'docker-credential-desk, named by TEST_CONFIG'
      expect(await find(config, 'reg.io', 'x', { helper })).toEqual(login('desk', from))
    },
  )

  const locked = new DrayError('UNAUTHORIZED', 'docker-credential-desk failed: locked', { hint: 'unlock it' })
  const brokenHelper = async () => {
    throw locked
  }

  test.each([
    { credsStore: 'desk' },
    { credHelpers: { 'reg.io': 'desk' } },
    { credsStore: 'desk', auths: { 'reg.io': entry('outdated') } },
  ])('one that is broken is told with the file that names it: %j', async (config) => {
    await expect(find(config, 'reg.io', 'x', { helper: brokenHelper })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: 'docker-credential-desk failed: locked; TEST_CONFIG leaves the login for reg.io to it',
      hint: 'repair docker-credential-desk, which TEST_CONFIG names: unlock it',
    })
  })

  test('one that is broken is of no concern to registries that another one is for', async () => {
    const config = { credHelpers: { 'other.io': 'desk' }, auths: { 'reg.io': entry('me') } }
    expect(await find(config, 'reg.io', 'x', { helper: brokenHelper })).toEqual(login('me'))
  })

  test('one that is ended with the pull is no broken one', async () => {
    const aborted = new DrayError('ABORTED', 'the pull was cancelled')
    const helper = async () => {
      throw aborted
    }
    await expect(find({ credsStore: 'desk' }, 'reg.io', 'x', { helper })).rejects.toBe(aborted)
  })

  test.each([{ credsStore: 'desk' }, { credHelpers: { 'reg.io': 'desk' } }])(
    'without a way to ask, one is passed over with the right words: %j',
    async (config) => {
      const onWarning = vi.fn()
      expect(await find(config, 'reg.io', 'x', { onWarning })).toBeUndefined()
      expect(onWarning.mock.calls).toEqual([
        ['TEST_CONFIG leaves the login for reg.io to the helper "desk", which was not asked'],
      ])
    },
  )

  test('without a way to ask, an entry with a password is taken all the same', async () => {
    const config = { credsStore: 'desk', auths: { 'reg.io': entry('me') } }
    expect(await find(config, 'reg.io')).toEqual(login('me'))
  })
})

describe('the file', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dray-config-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const written = async (content: string) => {
    const file = join(directory, 'config.json')
    await writeFile(file, content)
    return dockerConfigSource(file).find('reg.io', 'x')
  }

  test('is read, with a byte order mark too', async () => {
    expect(await written(`\uFEFF${JSON.stringify({ auths: { 'reg.io': entry('me') } })}`)).toEqual(
      login('me', join(directory, 'config.json')),
    )
  })

  test('may be called otherwise when it is told where a login comes from', async () => {
    await written(JSON.stringify({ auths: { 'reg.io': entry('me') } }))
    const source = dockerConfigSource(join(directory, 'config.json'), { from: '--authfile x' })
    expect(await source.find('reg.io', 'x')).toEqual(login('me', '--authfile x'))
  })

  test.each(['', ' \n', '{}', '{"auths":null}', '{"auths":{}}'])('may be empty: %s', async (content) => {
    expect(await written(content)).toBeUndefined()
  })

  test('that is missing holds no credentials', async () => {
    expect(
      await dockerConfigSource(join(directory, 'none', 'config.json')).find('reg.io', 'x'),
    ).toBeUndefined()
  })

  test.each(['{', '[]', 'null', '{"auths":[]}', '{"auths":{"reg.io":{"auth":"c2VjcmV0"'])(
    'that makes no sense is named, and not quoted: %j',
    async (content) => {
      const error = await written(content).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'FILE', message: expect.stringContaining('config.json') })
      expect(error).not.toHaveProperty('cause')
      expect(String(error)).not.toContain('c2VjcmV0')
    },
  )

  test.each([
    ['{"auths": {}\n,\n}', 3],
    ['\uFEFF\n{\n"auths": secret\n}', 3],
  ])('that is no JSON is told with the line of the mistake: %j', async (content, line) => {
    await expect(written(content)).rejects.toThrow(
      `the credentials in ${join(directory, 'config.json')} are not valid JSON (line ${line})`,
    )
  })

  test('that cannot be read is named', async () => {
    await expect(dockerConfigSource(directory).find('reg.io', 'x')).rejects.toMatchObject({
      code: 'FILE',
      message: `cannot read the credentials: ${directory} is no file`,
      hint: `repair ${directory}, or name another file with --authfile`,
    })
  })
})

describe('the .dockercfg of old', () => {
  const find = async (registry: string) => {
    const directory = await mkdtemp(join(tmpdir(), 'dray-config-'))
    const file = join(directory, '.dockercfg')
    const entries = {
      'https://index.docker.io/v1/': entry('hub'),
      'reg.io': { ...entry('host'), email: 'me@example.com' },
      'reg.io/team': entry('team'),
      'https://old.io/v1/': entry('old'),
    }
    await writeFile(file, JSON.stringify(entries))
    const credential = await legacyDockerConfigSource(file).find(registry, 'team/app')
    await rm(directory, { recursive: true })
    return credential && { ...credential, from: credential.from?.slice(directory.length + 1) }
  }

  test.each([
    ['docker.io', 'hub'],
    ['reg.io', 'host'],
    ['old.io', 'old'],
  ])('knows the host %s', async (registry, username) => {
    expect(await find(registry)).toEqual(login(username, '.dockercfg'))
  })

  test('knows nothing of others', async () => {
    expect(await find('other.io')).toBeUndefined()
  })
})
