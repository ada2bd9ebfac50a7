import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { chown } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { type BlobFiles, blobFiles } from '../../../src/store/blob-files.ts'
import { leavePartial, openPartial } from '../../../src/store/open-partial.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { claimedBy } from '../../support/claims.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const size = 100

function place(): BlobFiles {
  const files = blobFiles(temporaryDirectory(), digestOf('x'))
  mkdirSync(files.directory, { recursive: true })
  return files
}

function leave(path: string, length: number): string {
  writeFileSync(path, 'x'.repeat(length))
  return path
}

/** Opens it, and says how much was there and what else is in the directory then. */
async function open(files: BlobFiles, options = {}) {
  const { file, claim } = await openPartial(files, { size, fresh: false, signal, ...options })
  const { size: found } = await file.stat()
  await file.close()
  claim.end()
  return {
    found,
    path: claim.path,
    others: readdirSync(files.directory).filter((name) => name !== basename(claim.path)),
  }
}

describe('to go on with a blob', () => {
  test.each<[string, number, (files: BlobFiles) => void]>([
    ['nothing is taken where there is nothing', 0, () => {}],
    ['what was left in order is taken', 10, ({ partial }) => leave(partial, 10)],
    ['what a killed process left is taken', 10, ({ whole }) => leave(claimedBy.dead(whole), 10)],
    [
      'the longest is taken, the others go',
      30,
      ({ whole, partial }) => {
        for (const length of [20, 30, 10]) leave(claimedBy.dead(whole), length)
        leave(partial, 15)
      },
    ],
    [
      'what is longer than the blob goes',
      7,
      ({ whole, partial }) => {
        leave(claimedBy.dead(whole), size + 1)
        leave(partial, 7)
      },
    ],
    [
      'what another machine left long ago is taken',
      10,
      ({ whole }) => {
        const path = leave(claimedBy.stranger(whole), 10)
        utimesSync(path, 1e9, 1e9)
      },
    ],
  ])('%s', async (_, expected, prepare) => {
    const files = place()
    prepare(files)
    const { found, others } = await open(files)
    expect(found).toBe(expected)
    expect(others).toEqual([])
  })

  test('what a living process is at work on stays its own', async () => {
    const files = place()
    const theirs = leave(claimedBy.living(files.whole), 50)
    const { found, others } = await open(files)
    expect(found).toBe(0)
    expect(others).toEqual([basename(theirs)])
  })

  test('what belongs to other blobs stays', async () => {
    const files = place()
    const other = blobFiles(join(files.directory, '..', '..'), digestOf('y'))
    const kept = [leave(other.partial, 50), leave(claimedBy.dead(other.whole), 50), leave(files.whole, 9)]
    const { found, others } = await open(files)
    expect(found).toBe(0)
    expect(others.sort()).toEqual(kept.map((path) => basename(path)).sort())
  })

  test('nothing is taken by one who wants to begin with nothing', async () => {
    const files = place()
    leave(files.partial, 10)
    expect(await open(files, { fresh: true })).toMatchObject({ found: 0, others: [basename(files.partial)] })
  })

  test('one of several gets it, the others begin with nothing', async () => {
    const files = place()
    leave(files.partial, 10)
    const opened = await Promise.all([1, 2, 3, 4].map(() => open(files)))
    expect(opened.map(({ found }) => found).sort()).toEqual([0, 0, 0, 10])
  })

  test('a signal ends the wait for a sign of life', async () => {
    const files = place()
    leave(claimedBy.stranger(files.whole), 10)
    const stop = new AbortController()
    const opening = open(files, { signal: stop.signal })
    setTimeout(() => stop.abort(new Error('enough')), 20)
    await expect(opening).rejects.toThrow('enough')
    expect(readdirSync(files.directory)).toHaveLength(1)
  })

  test('a directory that cannot be read is a file error', async () => {
    const files = place()
    await expect(open({ ...files, directory: join(files.directory, 'no') })).rejects.toMatchObject({
      code: 'FILE',
    })
  })
})

describe.skipIf(process.platform === 'win32')('what is no file of ours alone is not written to', () => {
  const content = 'precious'
  test.each<[string, (path: string, victim: string) => void]>([
    ['a symbolic link', (path, victim) => symlinkSync(victim, path)],
    ['a hard link', (path, victim) => linkSync(victim, path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ])('%s', async (_, plant) => {
    const files = place()
    const victim = join(files.directory, 'victim')
    writeFileSync(victim, content)
    plant(files.partial, victim)
    const { found, path } = await open(files)
    expect(found).toBe(0)
    expect(lstatSync(path).isFile()).toBe(true)
    truncateSync(path, 50)
    expect(readFileSync(victim, 'utf8')).toBe(content)
  })

  test('a directory, which stays', async () => {
    const files = place()
    mkdirSync(files.partial)
    expect(await open(files)).toMatchObject({ found: 0, others: [basename(files.partial)] })
  })

  test.skipIf(process.getuid?.() !== 0)("another user's file, which may change under our hands", async () => {
    const files = place()
    leave(files.partial, 10)
    await chown(files.directory, 65_534, 65_534)
    await chown(join(files.directory, '..', '..'), 65_534, 65_534)
    execFileSync('chmod', ['666', files.partial])
    expect(await asNobody(() => open(files))).toMatchObject({ found: 0, others: [] })
  })
})

describe('what has arrived', () => {
  test.each([
    ['is left for whoever comes next', 10, undefined, 10],
    ['takes the place of less', 10, 5, 10],
    ['makes way for more', 5, 10, 10],
  ])('%s', async (_, ours, theirs, expected) => {
    const files = place()
    const { path } = await open(files)
    leave(path, ours)
    if (theirs !== undefined) leave(files.partial, theirs)
    await leavePartial({ claim: { path, end: () => {} } }, files)
    expect(readdirSync(files.directory)).toEqual([basename(files.partial)])
    expect(lstatSync(files.partial).size).toBe(expected)
  })

  test('is removed when it is nothing', async () => {
    const files = place()
    const { path } = await open(files)
    await leavePartial({ claim: { path, end: () => {} } }, files)
    expect(readdirSync(files.directory)).toEqual([])
  })

  test('stays under its name when it can get no other', async () => {
    const files = place()
    mkdirSync(files.partial)
    const { path } = await open(files)
    leave(path, 10)
    await leavePartial({ claim: { path, end: () => {} } }, files)
    expect(existsSync(path)).toBe(true)
  })
})
