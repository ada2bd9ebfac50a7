import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import type { ArchiveEntry, FileEntry } from '../../../src/archive/archive-format.ts'
import { dockerArchive } from '../../../src/archive/docker-archive.ts'
import { openFileOutput } from '../../../src/archive/file-output.ts'
import { openDirectoryStore } from '../../../src/store/directory-store.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { claimedBy } from '../../support/claims.ts'
import { makeImage, tarOf } from '../../support/images.ts'
import { readArchive } from '../../support/read-archive.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const id = 'ab'.repeat(32)

const fileEntry = (path: string, open: FileEntry['open']): FileEntry => ({
  type: 'file',
  path,
  mtime: 5,
  open,
})
const holding = (path: string, content: string | Buffer) =>
  fileEntry(path, () => Readable.from([Buffer.from(content)], { objectMode: false }))

const entries: readonly ArchiveEntry[] = [
  holding('manifest.json', '[]'),
  { type: 'directory', path: `${id}/`, mtime: 7 },
  holding(`${id}/VERSION`, ''),
  holding(`${id}/json`, Buffer.alloc(512, 'x')),
  { type: 'symlink', path: `${id}/layer.tar`, target: `../${id}/layer.tar`, mtime: 7 },
]

test('an archive of which a part did not reach the disk is an error, even if the system says so while it is written', async () => {
  const path = join(temporaryDirectory(), 'app.tar')
  const output = await openFileOutput(path)
  const probe = await open(temporaryDirectory())
  const failing = vi.spyOn(Object.getPrototypeOf(probe), 'datasync')
  await probe.close()
  failing.mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'EIO' }))
  await output.write([holding('manifest.json', Buffer.alloc(40 * 1024 * 1024))], signal)
  failing.mockRestore()
  await expect(output.commit(signal)).rejects.toMatchObject({ code: 'FILE' })
  await output.abort()
  expect(readdirSync(dirname(path))).toEqual([])
})

test('the archive holds the entries as they are, and ends in two blocks of zeros', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'app.tar')
  const output = await openFileOutput(path)
  await output.write(entries, signal)
  const { size } = await output.commit(signal)

  const bytes = readFileSync(path)
  expect(bytes).toHaveLength(size)
  expect(size).toBe(1024 + 512 + 512 + 1024 + 512 + 1024)
  expect(bytes.subarray(-1024)).toEqual(Buffer.alloc(1024))
  const read = await readArchive(path)
  expect([...read.keys()]).toEqual(entries.map(({ path }) => path))
  expect(read.get('manifest.json')?.bytes.toString()).toBe('[]')
  expect(read.get(`${id}/json`)?.bytes).toEqual(Buffer.alloc(512, 'x'))
  expect(readdirSync(directory)).toEqual(['app.tar'])
})

test('the same entries give the same bytes', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(async () => {
      const path = join(temporaryDirectory(), 'app.tar')
      const output = await openFileOutput(path)
      await output.write(entries, signal)
      await output.commit(signal)
      return readFileSync(path)
    }),
  )
  expect(one).toEqual(two)
})

test('a file that was there stays as it is until the new one is whole', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'app.tar')
  writeFileSync(path, 'old')
  const output = await openFileOutput(path)
  await output.write(entries, signal)
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(directory).sort()).toEqual([
    expect.stringMatching(/^\.app\.tar\.[0-9a-f]{8}-\d+-[0-9a-f]{8}\.partial$/),
    'app.tar',
  ])
  await output.commit(signal)
  expect((await readArchive(path)).size).toBe(entries.length)
  expect(readdirSync(directory)).toEqual(['app.tar'])
})

test('an abort leaves nothing but what was there before, and may come twice', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'app.tar'), 'old')
  const output = await openFileOutput(join(directory, 'app.tar'))
  await output.write(entries, signal)
  await output.abort()
  await output.abort()
  expect(readdirSync(directory)).toEqual(['app.tar'])
  expect(readFileSync(join(directory, 'app.tar'), 'utf8')).toBe('old')
})

test('an abort after the commit leaves the archive alone', async () => {
  const path = join(temporaryDirectory(), 'app.tar')
  const output = await openFileOutput(path)
  await output.commit(signal)
  await output.abort()
  expect(statSync(path).size).toBe(1024)
})

test('an entry that failed half-way is written again in the same place', async () => {
  const path = join(temporaryDirectory(), 'app.tar')
  const output = await openFileOutput(path)
  const bodies = [failsAfter(Buffer.alloc(3_000_000, 'garbage')), Readable.from([Buffer.from('right')])]
  const entry: FileEntry = {
    ...fileEntry('repositories', () => bodies.shift() ?? expect.fail()),
    settled: async () => {},
  }
  await output.write([holding('manifest.json', '[]'), entry], signal)
  const { size } = await output.commit(signal)
  expect(size).toBe(1024 + 1024 + 1024)
  expect(statSync(path).size).toBe(size)
  expect((await readArchive(path)).get('repositories')?.bytes.toString()).toBe('right')
})

function failsAfter(chunk: Buffer): Readable {
  return Readable.from(
    (function* () {
      yield chunk
      throw new Error('taken back')
    })(),
  )
}

describe('beside the archive of', () => {
  const write = async (path: string) => {
    const output = await openFileOutput(path)
    await output.commit(signal)
    return output.isShared()
  }

  test('a killed process, its file is removed', async () => {
    const directory = temporaryDirectory()
    writeFileSync(claimedBy.dead(join(directory, '.app.tar')), 'left over')
    expect(await write(join(directory, 'app.tar'))).toBe(false)
    expect(readdirSync(directory)).toEqual(['app.tar'])
  })

  test('a process that is killed meanwhile, too', async () => {
    const directory = temporaryDirectory()
    const output = await openFileOutput(join(directory, 'app.tar'))
    await output.commit(signal)
    writeFileSync(claimedBy.dead(join(directory, '.app.tar')), 'left over')
    expect(await output.isShared()).toBe(false)
    expect(readdirSync(directory)).toEqual(['app.tar'])
  })

  test.each(['living', 'stranger'] as const)('a %s process, its file stays', async (kind) => {
    const directory = temporaryDirectory()
    const theirs = claimedBy[kind](join(directory, '.app.tar'))
    writeFileSync(theirs, 'in the making')
    expect(await write(join(directory, 'app.tar'))).toBe(true)
    expect(readFileSync(theirs, 'utf8')).toBe('in the making')
  })

  test('another name, nothing is touched', async () => {
    const directory = temporaryDirectory()
    const others = [
      claimedBy.dead(join(directory, '.app.tar.gz')),
      join(directory, '.app.tar.0123456789ab.partial'),
    ]
    for (const path of others) writeFileSync(path, '')
    expect(await write(join(directory, 'app.tar'))).toBe(false)
    expect(readdirSync(directory)).toHaveLength(3)
  })

  test('the same name by two at once, the last wins with a whole one', async () => {
    const path = join(temporaryDirectory(), 'app.tar')
    const [one, two] = [await openFileOutput(path), await openFileOutput(path)]
    await one.write([holding('manifest.json', '[1]')], signal)
    await two.write([holding('manifest.json', '[2]')], signal)
    await one.commit(signal)
    expect(await one.isShared()).toBe(true)
    await two.commit(signal)
    expect(await two.isShared()).toBe(false)
    expect((await readArchive(path)).get('manifest.json')?.bytes.toString()).toBe('[2]')
  })
})

test('two long names that begin alike have files of their own', async () => {
  const directory = temporaryDirectory()
  const outputs = await Promise.all(
    ['a', 'b'].map((end) => openFileOutput(join(directory, `${'x'.repeat(200)}${end}.tar`))),
  )
  await outputs[0]?.commit(signal)
  expect(await outputs[0]?.isShared()).toBe(false)
  await outputs[1]?.abort()
})

test('an abort ends an entry whose content has gone silent', async () => {
  const output = await openFileOutput(join(temporaryDirectory(), 'app.tar'))
  const stop = new AbortController()
  const silent = new PassThrough()
  const appending = output.write([fileEntry('manifest.json', () => silent)], stop.signal)
  setImmediate(() => stop.abort())
  await expect(appending).rejects.toMatchObject({ name: 'AbortError' })
  expect(silent.destroyed).toBe(true)
  await output.abort()
})

test('an abort before the end keeps the archive from appearing', async () => {
  const directory = temporaryDirectory()
  const output = await openFileOutput(join(directory, 'app.tar'))
  await expect(output.commit(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  await output.abort()
  expect(readdirSync(directory)).toEqual([])
})

describe('what cannot be written is a file error at once', () => {
  const directory = temporaryDirectory
  test.each<[string, (root: string) => string, string]>([
    ['a missing directory', (root) => join(root, 'no', 'app.tar'), 'there is no such file or directory'],
    ['a directory', (root) => root, 'it is a directory'],
    [
      'a path through a file',
      (root) => join(root, 'file', 'app.tar'),
      'a part of the path is not a directory',
    ],
  ])('%s', async (_, pathIn, reason) => {
    const root = directory()
    writeFileSync(join(root, 'file'), '')
    const path = pathIn(root)
    await expect(openFileOutput(path)).rejects.toMatchObject({
      code: 'FILE',
      message: `cannot write ${path}: ${reason}`,
    })
  })
})

test.runIf(process.getuid?.() === 0).each<[string, number, number, boolean]>([
  ["another user's file where only its owner may remove it", 0o1777, 12_345, true],
  ['a file of our own there', 0o1777, 65_534, false],
  ["another user's file where all may remove it", 0o777, 12_345, false],
])('%s: refused before anything is written', async (_, mode, owner, refused) => {
  const directory = temporaryDirectory()
  const path = join(directory, 'app.tar')
  writeFileSync(path, 'old')
  chmodSync(directory, mode)
  chownSync(path, owner, owner)
  const outcome = asNobody(async () => {
    const output = await openFileOutput(path)
    await output.commit(signal)
  })
  if (refused)
    await expect(outcome).rejects.toMatchObject({
      code: 'FILE',
      message: `cannot replace ${path}: it belongs to another user (uid 12345)`,
    })
  else await outcome
  expect(statSync(path).size).toBe(refused ? 3 : 1024)
  expect(readdirSync(directory)).toEqual(['app.tar'])
})

test.skipIf(process.platform === 'win32')('a device is not replaced by a file', async () => {
  await expect(openFileOutput('/dev/null')).rejects.toMatchObject({ code: 'FILE' })
})

test.skipIf(process.platform === 'win32')(
  'a symbolic link stays, and what it points to is replaced',
  async () => {
    const root = realpathSync(temporaryDirectory())
    mkdirSync(join(root, 'there'))
    writeFileSync(join(root, 'there', 'real.tar'), 'old')
    symlinkSync(join(root, 'there', 'real.tar'), join(root, 'link.tar'))
    const output = await openFileOutput(join(root, 'link.tar'))
    await output.commit(signal)
    expect(lstatSync(join(root, 'link.tar')).isSymbolicLink()).toBe(true)
    expect(statSync(join(root, 'there', 'real.tar')).size).toBe(1024)
  },
)

test('a name as long as the system allows can be written', async () => {
  const path = join(temporaryDirectory(), `${'ü'.repeat(125)}.tar`)
  const output = await openFileOutput(path)
  await output.commit(signal)
  expect(statSync(path).size).toBe(1024)
})

test('layers are written while they arrive, and once more when their first bytes were wrong', async () => {
  const root = temporaryDirectory()
  const store = await openDirectoryStore(join(root, 'blobs'))
  const large = Buffer.concat(Array.from({ length: 1000 }, (_, i) => tarOf(`${i} `)))
  const { image, blobs, layers } = makeImage({
    name: 'docker.io/library/app:1',
    layers: [tarOf('a'), large],
    compress: (b) => b,
  })
  const output = await openFileOutput(join(root, 'app.tar'))
  const writing = output.write(dockerArchive.entries([image], store), signal)
  for (const [i, { descriptor }] of image.layers.entries()) {
    const blob = blobs[i] ?? Buffer.alloc(0)
    const spoilt = Buffer.concat([Buffer.alloc(blob.length - 1, 1), Buffer.from('!')])
    const bodies = [spoilt, Buffer.from(blob)]
    await store.write(descriptor, async () => Readable.from([bodies.shift()]), { signal })
  }
  await writing
  await output.commit(signal)
  const archive = await readArchive(join(root, 'app.tar'))
  const [{ Layers }] = JSON.parse(archive.get('manifest.json')?.bytes.toString() ?? '')
  for (const [i, path] of Layers.entries())
    expect(archive.get(path)?.bytes.equals(layers[i] ?? expect.fail())).toBe(true)
})
