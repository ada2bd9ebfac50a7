import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type DestinationOptions, openDestination } from '../../../src/archive/destination.ts'
import { claimedBy } from '../../support/claims.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const options = { defaultName: 'image.tar', stdout: undefined, cache: undefined }
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
