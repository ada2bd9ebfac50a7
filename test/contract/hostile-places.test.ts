import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { geteuid } from 'node:process'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { pull } from '../../src/pull.ts'
import { asNobody } from '../support/as-nobody.ts'
import { addImage, buildImage, createContent, layerOf, noise, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry, withBasicAuth } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import type { TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type Trap, traps } from '../support/traps.ts'

const content = createContent()
const image = buildImage({ layers: [layerOf(noise(64_000))] })
addImage(content, image, 'app:1')
const hex = image.layers[0]?.digest.slice(7) ?? ''
const name = 'app:1'

/** Where a pull writes to. */
const places: Readonly<Record<string, string>> = {
  'the directory of the blobs': 'image.tar.partial',
  'a directory in it': 'image.tar.partial/blobs',
  'the directory of an algorithm': 'image.tar.partial/blobs/sha256',
  'a blob': `image.tar.partial/blobs/sha256/${hex}`,
  'the beginning of a blob': `image.tar.partial/blobs/sha256/${hex}.partial`,
  'a cache': 'cache',
  'a directory in a cache': 'cache/blobs',
  'a blob in a cache': `cache/blobs/sha256/${hex}`,
  'the beginning of a blob in a cache': `cache/blobs/sha256/${hex}.partial`,
  'the checksum file': 'image.tar.sha256',
}

async function expectedArchive(server: TestServer): Promise<string> {
  return sha256(readFileSync((await pullFrom(server, 'app:1', { name })).path))
}

describe.skipIf(process.platform === 'win32')('what is there before a pull', () => {
  const cases = Object.entries(places).flatMap(([what, place]) =>
    Object.entries(traps).map(([kind, make]) => [kind, what, place, make] as const),
  )

  test.each(cases)(
    '%s in the place of %s neither is written through nor holds anything up',
    async (_, what, place, make) => {
      const server = await serveDuringTest(registry(content))
      const expected = await expectedArchive(server)
      const elsewhere = temporaryDirectory()
      const victim = join(elsewhere, 'victim')
      writeFileSync(victim, 'precious')
      const root = temporaryDirectory()
      const path = join(root, place)
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      make({ path, victim })
      const before = lstatSync(path)
      const output = join(root, 'image.tar')
      const options = {
        ...(place.startsWith('cache') && { cache: join(root, 'cache') }),
        checksum: what === 'the checksum file',
      }

      const failure = await pullFrom(server, 'app:1', { name, output, retries: 0, ...options }).then(
        () => undefined,
        (error: unknown) => error,
      )

      if (failure) {
        expect(failure).toMatchObject({ code: 'FILE', message: expect.stringContaining(`${root}/`) })
        expect(readdirSync(root)).not.toContain('image.tar')
      } else {
        expect(sha256(readFileSync(output))).toBe(expected)
      }
      expect(readFileSync(victim, 'utf8')).toBe('precious')
      const isCacheLink = place === 'cache' && before.isSymbolicLink()
      if (!isCacheLink) expect(readdirSync(elsewhere)).toEqual(['victim'])
      expect(readdirSync(root).filter((file) => file.startsWith('.'))).toEqual([])
    },
  )
})

/** Puts a trap in place, in a directory of the test's own. */
function setTrap(make: (trap: Trap) => void, ...place: readonly string[]) {
  const elsewhere = temporaryDirectory()
  const root = temporaryDirectory()
  const [victim, path] = [join(elsewhere, 'victim'), join(root, ...place)]
  writeFileSync(victim, 'precious')
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  make({ path, victim })
  return { root, path, victim, elsewhere, kind: kindOf(path) }
}

const kindOf = (path: string) => lstatSync(path).mode & 0o170_000

describe.skipIf(process.platform === 'win32')('what is in the place of the archive', () => {
  /** What becomes of it: a link is followed, as by other tools, and so is a directory; the devices are full. */
  const outcomes: Readonly<Record<string, 'replaced' | 'behind' | 'inside' | 'refused'>> = {
    'a link to a file': 'behind',
    'a link to nowhere': 'replaced',
    'a link to itself': 'refused',
    'a link to a directory': 'inside',
    'a link to a device': 'refused',
    'a hard link to a file': 'replaced',
    'a FIFO': 'refused',
    'a directory': 'inside',
    'a file that nobody may read': 'replaced',
    'a socket': 'refused',
    'a device': 'refused',
  }

  test.each(Object.entries(traps))('%s is written to, or replaced, or refused', async (what, make) => {
    const server = await serveDuringTest(registry(content))
    const expected = await expectedArchive(server)
    const { root, path, victim, elsewhere, kind } = setTrap(make, 'image.tar')
    const outcome = outcomes[what] ?? expect.fail(what)
    // A FIFO waits for a reader as long as one likes.
    const signal = AbortSignal.timeout(what === 'a FIFO' ? 1000 : 60_000)

    const pulling = pullFrom(server, 'app:1', { name, output: path, retries: 0, signal })

    if (outcome === 'refused') await expect(pulling).rejects.toMatchObject({ name: 'DrayError' })
    else await pulling
    const inside = readdirSync(outcome === 'inside' ? path : root).filter((file) => file.endsWith('.tar'))
    const archives = {
      replaced: path,
      behind: victim,
      inside: join(path, inside[0] ?? ''),
      refused: undefined,
    }
    const archive = archives[outcome]
    if (archive !== undefined) expect(sha256(readFileSync(archive))).toBe(expected)
    if (outcome === 'replaced') expect(lstatSync(path).isFile()).toBe(true)
    else expect(kindOf(path)).toBe(kind)
    expect(readFileSync(victim, 'utf8') === 'precious').toBe(outcome !== 'behind')
    const more = what === 'a link to a directory' ? inside : []
    expect(readdirSync(elsewhere).toSorted()).toEqual([...more, 'victim'].toSorted())
    expect(readdirSync(root)).toEqual(['image.tar'])
  })
})

describe.skipIf(process.platform === 'win32')('where a login is stored', () => {
  const places = {
    'the file': ['.docker', 'config.json'],
    'its directory': ['.docker'],
    'its lock': ['.docker', 'config.json.lock'],
  }
  /** Links are followed, for people keep such files elsewhere; and a lock that is old was left behind. */
  const harmless: Readonly<Record<keyof typeof places, RegExp>> = {
    'the file': /^a link to nowhere$/,
    'its directory': /^(a link to a directory|a directory)$/,
    'its lock': /^(?!a directory$)/,
  }
  const cases = Object.entries(places).flatMap(([where, place]) =>
    Object.entries(traps).map(([kind, make]) => [kind, where as keyof typeof places, place, make] as const),
  )

  test.each(cases)(
    '%s in the place of %s neither gets the password nor holds anything up',
    async (what, where, place, make) => {
      const server = await serveDuringTest(withBasicAuth(registry(content), 'alice', 'open sesame'))
      const { root: home, path, victim, elsewhere, kind } = setTrap(make, ...place)
      lutimesSync(path, 1, 1)
      const login = ['login', server.host, '-u', 'alice', '--password-stdin', '--plain-http']

      const { exitCode, stderr } = await runDray(login, { home, stdin: 'open sesame' })

      expect(stderr).not.toMatch(/\n {4}at /)
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: harmless[where].test(what) ? 0 : 7,
        stderr: expect.stringContaining(join(home, '.docker')),
      })
      expect(readFileSync(victim, 'utf8')).toBe('precious')
      if (where !== 'its lock') expect(kindOf(path)).toBe(kind)
      const made =
        exitCode !== 0
          ? []
          : { 'a link to nowhere': ['victim.new'], 'a link to a directory': ['config.json'] }[what]
      expect(readdirSync(elsewhere).toSorted()).toEqual(
        [...(where === 'its lock' ? [] : (made ?? [])), 'victim'].toSorted(),
      )
    },
  )
})

describe.skipIf(process.platform === 'win32')('the directory for temporary files', () => {
  const usable = /^(a link to a directory|a directory)$/

  test.each(Object.entries(traps))('may be %s', async (what, make) => {
    const server = await serveDuringTest(registry(content))
    const expected = await expectedArchive(server)
    const { path, victim, elsewhere, kind } = setTrap(make, 'tmp')
    const before = usable.test(what) ? readdirSync(path) : []
    vi.stubEnv('TMPDIR', path)
    onTestFinished(() => void vi.unstubAllEnvs())
    const stdout = new PassThrough()
    const sent = buffer(stdout)

    const pulling = pull([`${server.host}/app:1`], { name, output: '-', stdout, retries: 0 })

    if (usable.test(what)) await pulling
    else await expect(pulling).rejects.toMatchObject({ code: 'FILE', message: expect.stringContaining(path) })
    stdout.end()
    expect(usable.test(what) ? sha256(await sent) : (await sent).length).toBe(
      usable.test(what) ? expected : 0,
    )
    if (usable.test(what)) expect(readdirSync(path)).toEqual(before)
    expect(kindOf(path)).toBe(kind)
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(readdirSync(elsewhere)).toEqual(['victim'])
  })
})

describe.skipIf(geteuid?.() !== 0)('directories of another user', () => {
  const [nobody, stranger] = [65_534, 1234]

  /** Of the user's, but for the last, which everybody may write to; so it would work. */
  function plant(...place: readonly string[]) {
    const root = temporaryDirectory()
    const path = join(root, ...place)
    mkdirSync(path, { recursive: true })
    for (let each = path; ; each = dirname(each)) {
      chownSync(each, nobody, nobody)
      if (each === root) break
    }
    chmodSync(path, 0o777)
    chownSync(path, stranger, stranger)
    return { root, path }
  }

  test.each(
    ['image.tar.partial', 'cache'].flatMap((root) => [[root], [root, 'blobs'], [root, 'blobs', 'sha256']]),
  )('keep no blobs: %s %s %s', async (...place) => {
    const server = await serveDuringTest(registry(content))
    await expectedArchive(server)
    const { root, path } = plant(...place)
    const options = { cache: place[0] === 'cache' ? join(root, 'cache') : undefined }

    const pulling = asNobody(() =>
      pullFrom(server, 'app:1', { name, output: join(root, 'image.tar'), retries: 0, ...options }),
    )

    await expect(pulling).rejects.toMatchObject({
      code: 'FILE',
      message: `cannot use the directory ${path}: it belongs to another user (uid ${stranger})`,
    })
    // In a directory of one's own, one that is empty may go, whoever made it.
    if (existsSync(path)) expect(readdirSync(path)).toEqual([])
    expect(readdirSync(root)).not.toContain('image.tar')
  })

  test('may be written to, where they let one; what is in them and is not ours stays', async () => {
    const server = await serveDuringTest(registry(content))
    const expected = await expectedArchive(server)
    const { path } = plant('theirs')
    writeFileSync(join(path, 'other'), 'precious')

    await asNobody(() => pullFrom(server, 'app:1', { name, output: join(path, 'image.tar'), retries: 0 }))

    expect(sha256(readFileSync(join(path, 'image.tar')))).toBe(expected)
    expect(readdirSync(path).toSorted()).toEqual(['image.tar', 'other'])
  })

  test.each([
    ['that they do not let one write to', 0o755],
    ['in which people can replace only what is theirs', 0o1777],
  ])('%s is told before the network is asked', async (_, mode) => {
    const server = await serveDuringTest(registry(content))
    await expectedArchive(server)
    const asked = server.requests.length
    const { path } = plant('theirs')
    chmodSync(path, mode)
    const output = join(path, 'image.tar')
    writeFileSync(output, 'precious')
    chownSync(output, stranger, stranger)

    const pulling = asNobody(() => pullFrom(server, 'app:1', { name, output, retries: 0 }))

    await expect(pulling).rejects.toMatchObject({ code: 'FILE', message: expect.stringContaining(output) })
    expect(server.requests.length).toBe(asked)
    expect(readFileSync(output, 'utf8')).toBe('precious')
    expect(readdirSync(path)).toEqual(['image.tar'])
  })
})
