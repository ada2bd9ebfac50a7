import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FileEntry } from '../../../src/archive/archive-format.ts'
import { placeEntries } from '../../../src/archive/place-entries.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const layer = { what: 'it', blobSize: 512, isInflated: false, digest: digestOf('') }

test('a failure is told when nothing is written any more', async () => {
  const entry: FileEntry = {
    type: 'file',
    path: `blobs/sha256/${'1'.repeat(64)}`,
    mtime: 0,
    open: () => Readable.from([]),
    settled: () => Promise.reject(new Error('its size is lost')),
    layer: { ...layer, openBlob: () => expect.fail() },
  }
  let isWriting = true
  const write = async () => {
    await wait(50)
    isWriting = false
    return 512
  }
  const file = await open(join(temporaryDirectory(), 'a.tar'), 'w')
  const workers = { run: write, close: async () => {} }
  const placing = placeEntries([entry], { file, path: 'a.tar', offset: 0, workers, signal })
  await expect(placing).rejects.toThrow('its size is lost')
  expect(isWriting).toBe(false)
  await file.close()
})

test('a layer that fails while the size of another one is still awaited is a failure that somebody hears of', async () => {
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

  const placing = placeEntries(entries, { file, path: 'a.tar', offset: 0, workers, signal })

  await expect(placing).rejects.toThrow('111 is broken')
  process.off('unhandledRejection', listen)
  expect(unheard).toEqual([])
  await file.close()
})
