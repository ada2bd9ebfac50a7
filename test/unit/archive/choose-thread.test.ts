import { open, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LayerContent } from '../../../src/archive/archive-format.ts'
import { threadChooser } from '../../../src/archive/choose-thread.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { createArrival } from '../../../src/store/arrival.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const megabyte = 1024 * 1024

/** An entry whose blob has begun to arrive. */
async function arriving(blobSize: number) {
  const path = join(temporaryDirectory(), 'blob')
  await writeFile(path, '')
  const arrival = createArrival()
  arrival.advance(1000)
  const layer: LayerContent = {
    what: 'a layer',
    blobSize,
    isInflated: true,
    digest: digestOf(path),
    openBlob: async () => ({ file: await open(path), arrival }),
  }
  return { layer, arrival }
}

/** How the last of the layers is to share the threads; those before it have begun. */
async function choose(sizes: readonly number[], meanwhile = (_: ReturnType<typeof createArrival>) => {}) {
  const made = await Promise.all(sizes.map(arriving))
  const entries = made.map(({ layer }) => ({
    type: 'file' as const,
    path: 'layer.tar',
    mtime: 0,
    layer,
    open: () => expect.fail(),
  }))
  const chooseThread = threadChooser(entries, signal)
  const choices = made.map(({ layer }) => chooseThread(layer))
  const timer = setInterval(() => meanwhile(made.at(-1)?.arrival ?? expect.fail()), 1)
  const last = await choices.at(-1)?.finally(() => clearInterval(timer))
  return { isDominant: last?.isDominant ?? false, mayShare: last?.mayShare }
}

const equal = [20, 20, 20].map((size) => size * megabyte)

test('layers that arrive slowly share threads', async () => {
  expect(await choose(equal)).toEqual({ isDominant: false, mayShare: true })
})

test.each<[string, (arrival: ReturnType<typeof createArrival>) => void]>([
  ['is there meanwhile', (arrival) => arrival.complete(20 * megabyte)],
  // Half of what is missing, time and again, whenever it begins to be watched.
  ['comes fast', (arrival) => arrival.advance(Math.ceil((arrival.available + 20 * megabyte) / 2))],
])('not one whose blob %s', async (_, meanwhile) => {
  expect(await choose(equal, meanwhile)).toEqual({ isDominant: false, mayShare: false })
})

test('the first layers have threads of their own, however slowly they arrive', async () => {
  const first = equal.slice(0, Math.min(2, availableParallelism()))
  expect(await choose(first)).toEqual({ isDominant: false, mayShare: false })
})

test('nor do small ones share threads', async () => {
  expect(await choose([1.9, 1.9, 1.9].map((size) => Math.ceil(size * megabyte)))).toEqual({
    isDominant: false,
    mayShare: false,
  })
})

test('one that outweighs all others is not watched', async () => {
  expect(await choose([1, 1, 20].map((size) => size * megabyte))).toEqual({
    isDominant: true,
    mayShare: false,
  })
})
