import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dockerConfigSource } from '../../../src/auth/docker-config.ts'
import { eraseCredential, type RunHelper, saveCredential } from '../../../src/auth/login-file.ts'
import { DrayError } from '../../../src/errors.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const alice = { username: 'alice', password: 'correct horse: battery' }
const auth = Buffer.from('alice:correct horse: battery').toString('base64')

const noHelper: RunHelper = async (helper) => {
  throw new Error(`nobody was to ask ${helper}`)
}

function newFile(text?: string): string {
  const file = join(temporaryDirectory(), 'config.json')
  if (text !== undefined) writeFileSync(file, text)
  return file
}

const save = (file: string, registry: string, runHelper = noHelper) =>
  saveCredential(file, registry, alice, { runHelper })
const erase = (file: string, registry: string, runHelper = noHelper) =>
  eraseCredential(file, registry, { runHelper })

/** A helper that keeps what it is given, and a list of what it was asked. */
function rememberingHelper() {
  const asked: string[][] = []
  const kept = new Set<string>()
  const runHelper: RunHelper = async (helper, action, input) => {
    asked.push([helper, action, input])
    if (action === 'store') kept.add(JSON.parse(input).ServerURL)
    else if (!kept.has(input)) return undefined
    if (action === 'erase') kept.delete(input)
    return ''
  }
  return { runHelper, asked, kept }
}

/** What docker makes of the same file when it logs alice in to reg.example:5000. */
describe('a login is written as docker writes it', () => {
  const entry = `"reg.example:5000": {\n\t\t\t"auth": "${auth}"\n\t\t}`

  test.each([
    ['into no file', undefined, `{\n\t"auths": {\n\t\t${entry}\n\t}\n}`],
    ['into an empty file', '\n', `{\n\t"auths": {\n\t\t${entry}\n\t}\n}`],
    [
      'among other logins, in order of their names',
      '{"auths":{"a.example":{},"z.example":{"auth":"YTpi","email":"e@x"}}}',
      `{\n\t"auths": {\n\t\t"a.example": {},\n\t\t${entry},\n\t\t"z.example": {\n\t\t\t"auth": "YTpi",\n\t\t\t"email": "e@x"\n\t\t}\n\t}\n}`,
    ],
    [
      'over an older one, nothing of which is left',
      '{"auths":{"reg.example:5000":{"auth":"YTpi","email":"e@x","identitytoken":"old"}}}',
      `{\n\t"auths": {\n\t\t${entry}\n\t}\n}`,
    ],
    [
      'before settings, which stay',
      '{"HttpHeaders":{"X":"y"},"psFormat":"a\\u0026b"}',
      `{\n\t"auths": {\n\t\t${entry}\n\t},\n\t"HttpHeaders": {\n\t\t"X": "y"\n\t},\n\t"psFormat": "a\\u0026b"\n}`,
    ],
  ])('%s', async (_, before, after) => {
    const file = newFile(before)
    expect(await save(file, 'reg.example:5000')).toEqual({ file, helper: undefined })
    expect(readFileSync(file, 'utf8')).toBe(after)
  })

  test('and leaves alone what dray knows nothing of', async () => {
    const settings = { zzz: { n: 1, list: [[], { b: true }] }, aliases: 'ü' }
    const file = newFile(JSON.stringify({ ...settings, auths: null }))
    await save(file, 'reg.example:5000')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      auths: { 'reg.example:5000': { auth } },
      ...settings,
    })
  })

  test('for Docker Hub under the address that docker has for it', async () => {
    const file = newFile()
    await save(file, 'docker.io')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      auths: { 'https://index.docker.io/v1/': { auth } },
    })
  })

  test('and is what a pull finds afterwards, whatever stood there under other names', async () => {
    const old = { auth: 'b2xkOm9sZA==' }
    const auths = { 'docker.io': old, 'https://index.docker.io/v1/': old, 'docker.io/team': old }
    const file = newFile(JSON.stringify({ auths }))
    await save(file, 'docker.io')
    expect(await dockerConfigSource(file).find('docker.io', 'library/x')).toMatchObject(alice)
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths)).toEqual([
      'docker.io/team',
      'https://index.docker.io/v1/',
    ])
  })
})

describe('the file of a login', () => {
  test.skipIf(process.platform === 'win32')(
    'is new: for its owner only, and so is its directory',
    async () => {
      const directory = join(temporaryDirectory(), 'new', '.docker')
      await save(join(directory, 'config.json'), 'reg.example')
      expect(statSync(directory).mode & 0o777).toBe(0o700)
      expect(statSync(join(directory, 'config.json')).mode & 0o777).toBe(0o600)
    },
  )

  test.skipIf(process.platform === 'win32').each([0o640, 0o600, 0o644])(
    'keeps its mode: %o',
    async (mode) => {
      const file = newFile('{}')
      chmodSync(file, mode)
      await save(file, 'reg.example')
      expect(statSync(file).mode & 0o777).toBe(mode)
    },
  )

  test.skipIf(process.platform === 'win32').each([
    ['that is there', true],
    ['that is not there yet', false],
  ])('is what a symbolic link points to, %s', async (_, isThere) => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'dotfiles'))
    const target = join(directory, 'dotfiles', 'docker.json')
    if (isThere) writeFileSync(target, '{"credsStore":""}')
    const link = join(directory, 'config.json')
    symlinkSync(join('dotfiles', 'docker.json'), link)
    await save(link, 'reg.example')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(target, 'utf8'))).toMatchObject({ auths: { 'reg.example': { auth } } })
    expect(readdirSync(directory)).toEqual(['config.json', 'dotfiles'])
  })

  test('has nothing left beside it', async () => {
    const file = newFile('{}')
    await save(file, 'reg.example')
    expect(readdirSync(join(file, '..'))).toEqual(['config.json'])
  })

  test('takes in all who log in at once', async () => {
    const file = newFile()
    const registries = Array.from({ length: 12 }, (_, i) => `reg${i}.example`)
    await Promise.all(registries.map((registry) => save(file, registry)))
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths).sort()).toEqual(registries.sort())
  })

  test('is not locked for good by someone who died over it', async () => {
    const file = newFile('{}')
    writeFileSync(`${file}.lock`, '')
    utimesSync(`${file}.lock`, new Date(0), new Date(0))
    await save(file, 'reg.example')
    expect(readdirSync(join(file, '..'))).toEqual(['config.json'])
  })

  test.skipIf(process.platform === 'win32')('is not locked for good by a link to nowhere', async () => {
    const file = newFile('{}')
    symlinkSync('nowhere', `${file}.lock`)
    lutimesSync(`${file}.lock`, new Date(0), new Date(0))
    await save(file, 'reg.example')
    expect(readdirSync(join(file, '..'))).toEqual(['config.json'])
  })

  test.each([
    ['no JSON', '{"auths":{"x":{"auth":"c2VjcmV0"}', /not valid JSON/],
    ['no object', '["secret"]', /not a JSON object/],
    ['odd auths', '{"auths":["secret"]}', /"auths".*not a JSON object/],
  ])('is never written over when it holds %s, nor quoted', async (_, text, message) => {
    const file = newFile(text)
    for (const act of [save, erase]) {
      const error = await act(file, 'reg.example').catch((error: unknown) => error)
      expect(error).toBeInstanceOf(DrayError)
      expect(error).toMatchObject({
        code: 'FILE',
        message: expect.stringMatching(message),
        hint: expect.stringContaining(`repair ${file}`),
      })
      expect(String(error)).not.toMatch(/secret|c2VjcmV0/)
    }
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(join(file, '..'))).toEqual(['config.json'])
  })

  test.each(['PRIVATE.corp', 'Private.Corp'])(
    'is one entry, whatever the case: not %s too',
    async (older) => {
      const file = newFile(JSON.stringify({ auths: { [older]: {}, 'x.corp': {} } }))
      await save(file, 'private.corp')
      expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths)).toEqual(['private.corp', 'x.corp'])
    },
  )

  test('cannot be a directory', async () => {
    await expect(save(temporaryDirectory(), 'reg.example')).rejects.toMatchObject({ code: 'FILE' })
  })
})

describe('a helper', () => {
  const stored = JSON.stringify({
    ServerURL: 'reg.example',
    ...{ Username: 'alice', Secret: alice.password },
  })

  test.each([
    ['for all registries', { credsStore: 'all' }, 'all'],
    ['for this one', { credHelpers: { 'reg.example': 'own' }, credsStore: 'all' }, 'own'],
    ['for this one, by its address', { credHelpers: { 'https://reg.example': 'own' } }, 'own'],
  ])('%s stores the login, and the file only lists the registry', async (_, config, helper) => {
    const { runHelper, asked } = rememberingHelper()
    const auths = { 'reg.example': { auth: 'b2xkOm9sZA==', email: 'e@x' } }
    const file = newFile(JSON.stringify({ auths, ...config }))
    expect(await save(file, 'reg.example', runHelper)).toEqual({ file, helper })
    expect(asked).toEqual([[helper, 'store', stored]])
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ auths: { 'reg.example': {} }, ...config })
  })

  test('for another registry is not asked', async () => {
    const file = newFile(
      JSON.stringify({ credHelpers: { 'other.example': 'other', 'reg.example/team': 'team' } }),
    )
    expect(await save(file, 'reg.example')).toEqual({ file, helper: undefined })
  })

  test('is not asked where the file is to keep the logins for this one', async () => {
    const file = newFile('{"credHelpers":{"reg.example":""},"credsStore":"all"}')
    expect(await save(file, 'reg.example')).toEqual({ file })
    expect(await dockerConfigSource(file).find('reg.example', 'x')).toMatchObject(alice)
    expect(await erase(file, 'reg.example')).toEqual({ file })
  })

  test('knows Docker Hub by its old address', async () => {
    const { runHelper, kept } = rememberingHelper()
    await save(newFile('{"credsStore":"all"}'), 'docker.io', runHelper)
    expect([...kept]).toEqual(['https://index.docker.io/v1/'])
  })

  test('that is broken leaves the file as it was', async () => {
    const text = '{"credsStore":"all","auths":{"reg.example":{}}}'
    const file = newFile(text)
    const broken = async () => {
      throw new DrayError('UNAUTHORIZED', 'docker-credential-all failed')
    }
    await expect(save(file, 'reg.example', broken)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(erase(file, 'reg.example', broken)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('forgets the login at a logout', async () => {
    const { runHelper, asked, kept } = rememberingHelper()
    const file = newFile('{"credsStore":"all"}')
    await save(file, 'reg.example', runHelper)
    expect(await erase(file, 'reg.example', runHelper)).toEqual({ file, helper: 'all' })
    expect(kept.size).toBe(0)
    expect(asked.slice(1)).toEqual([['all', 'erase', 'reg.example']])
    expect(readFileSync(file, 'utf8')).toBe('{\n\t"auths": {},\n\t"credsStore": "all"\n}')
  })

  test('forgets a login that the file does not list', async () => {
    const { runHelper, kept } = rememberingHelper()
    kept.add('reg.example')
    const file = newFile('{"credsStore":"all"}')
    expect(await erase(file, 'reg.example', runHelper)).toEqual({ file, helper: 'all' })
    expect(kept.size).toBe(0)
  })

  test('that knows no login is not told to forget it', async () => {
    const { runHelper, asked } = rememberingHelper()
    expect(await erase(newFile('{"credsStore":"all"}'), 'reg.example', runHelper)).toBeUndefined()
    expect(asked).toEqual([['all', 'get', 'reg.example']])
  })
})

describe('a logout', () => {
  test('forgets the registry under every name that a pull would find, and no other', async () => {
    const names = [
      'reg.example',
      'https://reg.example',
      'http://reg.example/',
      'https://reg.example/v1/',
      'reg.example/v2/',
    ]
    const others = ['notreg.example', 'reg.example/team', 'reg.example:5000']
    const auths = Object.fromEntries([...names, ...others].map((name) => [name, { auth }]))
    const file = newFile(JSON.stringify({ auths, detachKeys: 'ctrl-e' }))
    expect(await erase(file, 'reg.example')).toEqual({ file, helper: undefined })
    const after = JSON.parse(readFileSync(file, 'utf8'))
    expect(Object.keys(after.auths)).toEqual(others)
    expect(after.detachKeys).toBe('ctrl-e')
    expect(await dockerConfigSource(file).find('reg.example', 'app')).toBeUndefined()
  })

  test.each(['docker.io', 'index.docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'])(
    'of Docker Hub forgets it as %s',
    async (name) => {
      const file = newFile(JSON.stringify({ auths: { [name]: { auth } } }))
      await erase(file, 'docker.io')
      expect(readFileSync(file, 'utf8')).toBe('{\n\t"auths": {}\n}')
    },
  )

  test.each([
    ['another registry only', '{"auths":{"other.example":{}}}'],
    ['nothing', '{ }'],
  ])('touches no file that knows %s', async (_, text) => {
    const file = newFile(text)
    expect(await erase(file, 'reg.example')).toBeUndefined()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('makes no file', async () => {
    const file = newFile()
    expect(await erase(file, 'reg.example')).toBeUndefined()
    expect(existsSync(file)).toBe(false)
  })
})
