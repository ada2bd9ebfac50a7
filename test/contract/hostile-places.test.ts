import { execFileSync, spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { geteuid } from 'node:process'
import { describe, expect, test } from 'vitest'
import { addImage, buildImage, createContent, layerOf, noise, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import type { TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const content = createContent()
const image = buildImage({ layers: [layerOf(noise(64_000))] })
addImage(content, image, 'app:1')
const hex = image.layers[0]?.digest.slice(7) ?? ''
const name = 'app:1'

/** In a directory of the user's, of what somebody else can have put there before. */
interface Trap {
  readonly root: string
  readonly path: string
  /** A file elsewhere that nobody may change. */
  readonly victim: string
}

const kinds: Readonly<Record<string, (trap: Trap) => void | Promise<void>>> = {
  'a link to a file': ({ path, victim }) => symlinkSync(victim, path),
  'a link to nowhere': ({ path, victim }) => symlinkSync(`${victim}.new`, path),
  'a link to itself': ({ path }) => symlinkSync(path, path),
  'a link to a directory': ({ path, victim }) => symlinkSync(dirname(victim), path),
  'a link to a device': ({ path }) => symlinkSync('/dev/full', path),
  'a hard link to a file': ({ path, victim }) => void execFileSync('ln', [victim, path]),
  'a FIFO': ({ path }) => void execFileSync('mkfifo', [path]),
  'a directory': ({ path }) => void mkdirSync(join(path, 'in it'), { recursive: true }),
  'a file that nobody may read': ({ path }) => writeFileSync(path, 'x', { mode: 0o000 }),
  'a socket': ({ path }) => {
    // The file of a socket outlives a server that ends without closing it.
    const script = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))'
    spawnSync(process.execPath, ['-e', script, basename(path)], { cwd: dirname(path) })
  },
  ...(geteuid?.() === 0 && {
    'a device': ({ path }: Trap) => void execFileSync('mknod', [path, 'c', '1', '7']),
  }),
}

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
    Object.entries(kinds).map(([kind, make]) => [kind, what, place, make] as const),
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
      await make({ root, path, victim })
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
