import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkDirectory, prepareDirectory } from '../../../src/store/prepare-directory.ts'
import { removeBlobs } from '../../../src/store/remove-blobs.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const posix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0

async function warningsFor(mode: number): Promise<readonly string[]> {
  const path = temporaryDirectory()
  chmodSync(path, mode)
  const warnings: string[] = []
  await prepareDirectory(path, { onWarning: (message) => warnings.push(message.replace(path, 'IT')) })
  return warnings
}

test.skipIf(!posix)('a directory is made for its owner alone, parents and all', async () => {
  const path = join(temporaryDirectory(), 'a', 'b')
  await prepareDirectory(path)
  for (const made of [path, join(path, '..')]) expect(lstatSync(made).mode & 0o777).toBe(0o700)
})

test.skipIf(!posix).each([
  [0o700, false],
  [0o755, false],
  [0o2775, false],
  [0o1777, false],
  [0o777, true],
  [0o702, true],
])('the mode %o is worth a warning: %s', async (mode, expected) => {
  const message = 'everybody on this machine may change what is in IT'
  expect(await warningsFor(mode)).toEqual(expected ? [message] : [])
})

describe.skipIf(!posix)('refused, with the reason, is', () => {
  test('a symbolic link, unless it may be one', async () => {
    const root = temporaryDirectory()
    mkdirSync(join(root, 'there'))
    symlinkSync('there', join(root, 'link'))
    const refusal = { code: 'FILE', message: `cannot use the directory ${root}/link: it is a symbolic link` }
    await expect(prepareDirectory(join(root, 'link'))).rejects.toMatchObject(refusal)
    await prepareDirectory(join(root, 'link'), { mayBeLink: true })
  })

  test('a link to nowhere, and a file', async () => {
    const root = temporaryDirectory()
    symlinkSync('nowhere', join(root, 'link'))
    writeFileSync(join(root, 'file'), '')
    for (const name of ['link', 'file']) {
      await expect(prepareDirectory(join(root, name))).rejects.toMatchObject({ code: 'FILE' })
    }
    await expect(prepareDirectory(join(root, 'file', 'x'))).rejects.toMatchObject({ code: 'FILE' })
  })

  test.runIf(isRoot)("another user's directory, but not root's, and none to root", async () => {
    const [theirs, roots] = [temporaryDirectory(), temporaryDirectory()]
    chownSync(theirs, 12_345, 12_345)
    for (const path of [theirs, roots]) chmodSync(path, 0o777)
    await prepareDirectory(theirs)
    await asNobody(async () => {
      await prepareDirectory(roots)
      await expect(prepareDirectory(theirs)).rejects.toMatchObject({
        code: 'FILE',
        message: `cannot use the directory ${theirs}: it belongs to another user (uid 12345)`,
      })
    })
  })
})

test('a directory that is not there is checked without being made', async () => {
  const path = join(temporaryDirectory(), 'no')
  await checkDirectory(path)
  await expect(async () => lstatSync(path)).rejects.toThrow('ENOENT')
})

describe('blobs are removed', () => {
  const hex = 'ab'.repeat(32)
  const make = (...names: readonly string[]) => {
    const root = join(temporaryDirectory(), 'x.tar.partial')
    for (const name of names) {
      mkdirSync(join(root, name, '..'), { recursive: true })
      writeFileSync(join(root, name), '')
    }
    return root
  }
  const ours = [
    `blobs/sha256/${hex}`,
    `blobs/sha256/${hex}.partial`,
    `blobs/sha256/${hex}.0123abcd-17-0123abcd.partial`,
    `blobs/sha512/${hex}${hex}`,
  ]

  test('and the directories with them', async () => {
    const root = make(...ours)
    await removeBlobs(root)
    await expect(async () => lstatSync(root)).rejects.toThrow('ENOENT')
  })

  test.each([
    'notes.txt',
    'blobs/notes.txt',
    'blobs/sha256/notes.txt',
    `blobs/sha256/${hex}a`,
    `blobs/md5/${hex}`,
  ])('but not %s, which is none', async (name) => {
    const root = make(...ours, name)
    await removeBlobs(root)
    expect(lstatSync(join(root, name)).isFile()).toBe(true)
    for (const gone of ours) await expect(async () => lstatSync(join(root, gone))).rejects.toThrow('ENOENT')
  })

  test('where there are none, nothing happens', async () => {
    await removeBlobs(join(temporaryDirectory(), 'no'))
  })

  test.skipIf(!posix).each(['blobs', 'blobs/sha256'])(
    'but not through a link in the place of %s',
    async (name) => {
      const root = make(...ours)
      const link = join(root, '..', 'link', name)
      mkdirSync(join(link, '..'), { recursive: true })
      symlinkSync(join(root, name), link)
      await removeBlobs(join(root, '..', 'link'))
      for (const kept of ours) expect(lstatSync(join(root, kept)).isFile()).toBe(true)
    },
  )
})
