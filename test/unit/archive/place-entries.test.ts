import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FileEntry } from '../../../src/archive/archive-format.ts'
import { placeEntries } from '../../../src/archive/place-entries.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

test('a layer that fails while the size of another one is still awaited is a failure that somebody hears of', async () => {
  const layer = { what: 'it', blobSize: 512, isInflated: false, digest: digestOf('') }
  const entry = (path: string, more: Partial<FileEntry>): FileEntry => {
    const openBlob = () => Promise.reject(new Error(`${path} is broken`))
    return {
      type: 'file',
      path,
      mtime: 0,
      open: () => Readable.from([]),
      layer: { ...layer, openBlob },
      ...more,
    }
  }
  const entries = [
    entry(`blobs/sha256/${'1'.repeat(64)}`, { size: 512 }),
    // Only here is the first one waited for, long after it has failed.
    entry(`blobs/sha256/${'2'.repeat(64)}`, { settled: () => wait(50) }),
  ]
  const workers = {
    run: (prepare: () => Promise<unknown>) => prepare().then(() => 0),
    close: async () => {},
  }
  const unheard: unknown[] = []
  const listen = (error: unknown) => unheard.push(error)
  process.on('unhandledRejection', listen)
  const file = await open(join(temporaryDirectory(), 'a.tar'), 'w')

  const { signal } = new AbortController()
  const placing = placeEntries(entries, { file, path: 'a.tar', offset: 0, workers, signal })

  await expect(placing).rejects.toThrow('111 is broken')
  process.off('unhandledRejection', listen)
  expect(unheard).toEqual([])
  await file.close()
})
