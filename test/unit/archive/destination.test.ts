import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type DestinationOptions, openDestination } from '../../../src/archive/destination.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { claimedBy } from '../../support/claims.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const options = { format: 'docker' as const, defaultName: 'image.tar', stdout: undefined, cache: undefined }
const open = (path: string, more: Partial<DestinationOptions> = {}) =>
  openDestination({ path, ...options, ...more })

const blob = (directory: string) => {
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true })
  const path = join(directory, 'blobs', 'sha256', 'ab'.repeat(32))
  writeFileSync(path, '')
  return path
}

describe('beside a file', () => {
  test('the blobs are gone after a success, and stay after a failure', async () => {
    const path = join(temporaryDirectory(), 'x.tar')
    for (const outcome of ['failure', 'success'] as const) {
      const destination = await open(path)
      expect(destination.blobDirectory).toBe(`${path}.partial`)
      const kept = blob(destination.blobDirectory)
      await destination.output.commit(signal)
      await destination.cleanUp(outcome)
      expect(existsSync(kept)).toBe(outcome === 'failure')
    }
    expect(existsSync(`${path}.partial`)).toBe(false)
  })

  test('nothing is left after a failure when nothing has come', async () => {
    const root = temporaryDirectory()
    const destination = await open(join(root, 'x.tar'))
    mkdirSync(join(destination.blobDirectory, 'blobs', 'sha256'), { recursive: true })
    await destination.output.abort()
    await destination.cleanUp('failure')
    expect(readdirSync(root)).toEqual([])
  })

  test.each<[string, (directory: string) => void]>([
    ['a part of a blob', (directory) => writeFileSync(`${blob(directory)}.partial`, '')],
    ['what is not ours', (directory) => writeFileSync(join(directory, 'blobs', 'notes.txt'), '')],
    ['a place of another kind', (directory) => mkdirSync(join(directory, 'other'))],
  ])('%s stays after a failure', async (_, make) => {
    const destination = await open(join(temporaryDirectory(), 'x.tar'))
    mkdirSync(join(destination.blobDirectory, 'blobs', 'sha256'), { recursive: true })
    make(destination.blobDirectory)
    const list = () => readdirSync(destination.blobDirectory, { recursive: true }).sort()
    const before = list().filter((name) => existsSync(join(destination.blobDirectory, String(name))))
    await destination.output.abort()
    await destination.cleanUp('failure')
    const isEmptyPlace = (name: unknown) => name === join('blobs', 'sha256') || name === 'blobs'
    expect(list().filter((name) => !isEmptyPlace(name))).toEqual(before.filter((name) => !isEmptyPlace(name)))
  })

  test('even empty places stay while another process writes the same archive', async () => {
    const path = join(temporaryDirectory(), 'x.tar')
    const destination = await open(path)
    mkdirSync(join(destination.blobDirectory, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(claimedBy.living(join(path, '..', '.x.tar')), '')
    await destination.output.abort()
    await destination.cleanUp('failure')
    expect(existsSync(join(destination.blobDirectory, 'blobs', 'sha256'))).toBe(true)
  })

  test('the blobs stay while another process writes the same archive', async () => {
    const path = join(temporaryDirectory(), 'x.tar')
    const destination = await open(path)
    const kept = blob(destination.blobDirectory)
    writeFileSync(claimedBy.living(join(path, '..', '.x.tar')), '')
    await destination.output.commit(signal)
    await destination.cleanUp('success')
    expect(existsSync(kept)).toBe(true)
  })

  test('a cache stays', async () => {
    const root = temporaryDirectory()
    const cache = join(root, 'cache')
    const destination = await open(join(root, 'x.tar'), { cache })
    const kept = blob(cache)
    await destination.output.commit(signal)
    await destination.cleanUp('success')
    expect(existsSync(kept)).toBe(true)
  })

  test.skipIf(process.platform === 'win32')('a cache that is open to all is worth a warning', async () => {
    const root = temporaryDirectory()
    const cache = join(root, 'cache')
    mkdirSync(cache)
    chmodSync(cache, 0o777)
    const warnings: string[] = []
    const { output } = await open(join(root, 'x.tar'), {
      cache,
      onWarning: (message) => warnings.push(message),
    })
    await output.abort()
    expect(warnings).toEqual([`everybody on this machine may change what is in ${cache}`])
  })
})

describe.skipIf(process.platform === 'win32')('a cache that cannot be written to', () => {
  test.each(['cache', 'parent'])('is done without, which is told, when %s says no', async (name) => {
    const root = temporaryDirectory()
    const cache = join(root, name === 'parent' ? 'parent/cache' : 'cache')
    mkdirSync(join(root, name))
    chmodSync(root, 0o777)
    chmodSync(join(root, name), 0o555)
    const warnings: string[] = []
    const path = join(root, 'x.tar')
    const { output, blobDirectory } = await asNobody(() =>
      open(path, { cache, onWarning: (message) => warnings.push(message) }),
    )
    expect(blobDirectory).toBe(`${path}.partial`)
    expect(warnings).toEqual([
      expect.stringMatching(/^cannot .*cache.*: permission denied; going on without the cache$/),
    ])
    await output.abort()
  })

  test('because it is a link where none may be, or a file, is still refused', async () => {
    const root = temporaryDirectory()
    const cache = join(root, 'cache')
    mkdirSync(cache)
    symlinkSync(root, join(cache, 'blobs'))
    await expect(open(join(root, 'x.tar'), { cache })).rejects.toMatchObject({ code: 'FILE' })
    const file = join(root, 'file')
    writeFileSync(file, '')
    await expect(open(join(root, 'x.tar'), { cache: file })).rejects.toMatchObject({ code: 'FILE' })
  })
})

describe('for a stream', () => {
  test.skipIf(process.platform === 'win32')(
    'all that waits is gone in the end, with what killed processes left, and nothing else',
    async () => {
      const root = temporaryDirectory()
      vi.stubEnv('TMPDIR', root)
      onTestFinished(() => void vi.unstubAllEnvs())
      const stem = join(root, 'dray')
      const [dead, living] = [claimedBy.dead(stem), claimedBy.living(stem)]
      for (const path of [dead, living, `${stem}-other`, `${stem}.partial`]) blob(path)
      const kept = [living, `${stem}-other`, `${stem}.partial`].map((path) => basename(path)).sort()
      for (const outcome of ['failure', 'success'] as const) {
        const destination = await open('-', { stdout: new PassThrough() })
        blob(destination.blobDirectory)
        expect(destination.blobDirectory.startsWith(root)).toBe(true)
        await destination.cleanUp(outcome)
        expect(readdirSync(root).sort()).toEqual(kept)
      }
    },
  )
})

test.skipIf(process.platform === 'win32')('a socket is refused: it cannot be opened', async () => {
  const path = join(temporaryDirectory(), 'socket')
  const server = createServer().listen(path)
  await new Promise((resolve) => server.once('listening', resolve))
  await expect(open(path)).rejects.toMatchObject({
    code: 'FILE',
    message: `cannot write ${path}: it is a socket`,
  })
  server.close()
})

test.skipIf(process.platform === 'win32')('a path that leads in a circle is a file error', async () => {
  const path = join(temporaryDirectory(), 'loop')
  symlinkSync(path, path)
  await expect(open(path)).rejects.toMatchObject({ code: 'FILE' })
})

test('a stream that was not given is a usage error', async () => {
  await expect(open('-')).rejects.toMatchObject({ code: 'USAGE' })
})
