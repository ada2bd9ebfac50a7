import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { fetchBlobs } from '../../../src/image/fetch-blobs.ts'
import type { Repository } from '../../../src/registry/repository.ts'
import type { BlobStore } from '../../../src/store/blob-store.ts'
import { makeImage, storeOf, tarOf } from '../../support/images.ts'

const repository: Repository = {
  fetchManifest: () => expect.fail(),
  fetchBlob: async () => Readable.from([]),
  fetchPiece: async () => undefined,
  distrust: () => false,
}

test('the first failure ends the other blobs, and is told when nothing is written any more', async () => {
  const { image } = makeImage({ layers: ['a', 'b', 'c', 'd'].map(tarOf) })
  const broken = new DrayError('NETWORK', 'the line is dead')
  const log: string[] = []
  const store: BlobStore = {
    ...storeOf([]),
    async write({ digest }, _source, { signal }) {
      if (digest === image.layers[0]?.descriptor.digest) throw broken
      log.push('begins')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 20))
      log.push('ends')
      throw signal.reason
    },
  }
  const { signal } = new AbortController()
  const fetching = fetchBlobs([{ image, repository }], store, { jobs: 2, signal, onEvent: () => {} })
  await expect(fetching).rejects.toBe(broken)
  expect(log).toEqual(['begins', 'ends'])
})

const megabyte = 1024 * 1024

test.each<[string, { jobs: number; wantsEnds: boolean }, readonly string[]]>([
  ['large blobs', { jobs: 3, wantsEnds: true }, ['0', 'end of 0', '1', 'end of 1', '2', '3']],
  ['large blobs that come one after another', { jobs: 1, wantsEnds: true }, ['0', '1', '2', '3']],
  ['blobs whose ends nobody wants', { jobs: 3, wantsEnds: false }, ['0', '1', '2', '3']],
])(
  'of %s, each waits for the end of the one before it while that is still to come',
  async (_, options, expected) => {
    const { image } = makeImage({ layers: ['a', 'b', 'c', 'd'].map(tarOf) })
    const layers = image.layers.map(({ descriptor, ...layer }) => ({
      ...layer,
      descriptor: { ...descriptor, size: 20 * megabyte },
    }))
    const nameOf = (digest: string) => layers.findIndex(({ descriptor }) => descriptor.digest === digest)
    const log: string[] = []
    const source: Repository = {
      ...repository,
      async fetchBlob({ digest }) {
        log.push(`${nameOf(digest)}`)
        return Readable.from([])
      },
      async fetchPiece({ digest }) {
        log.push(`end of ${nameOf(digest)}`)
        return Readable.from([Buffer.from('size')], { objectMode: false })
      },
    }
    const told: string[] = []
    const store: BlobStore = {
      ...storeOf([]),
      async write({ digest }, open, { signal, end, onProgress }) {
        await open(0, signal)
        if (options.jobs === 1) return
        const isNearlyThere = nameOf(digest) === 2
        if (isNearlyThere) onProgress?.(13 * megabyte)
        // Until all connections are in use, or more than once.
        while (!log.includes(isNearlyThere ? '3' : '2')) await new Promise(setImmediate)
        if (expected.includes(`end of ${nameOf(digest)}`)) told.push(String(await end))
      },
    }
    const { signal } = new AbortController()
    await fetchBlobs([{ image: { ...image, layers }, repository: source }], store, {
      ...options,
      signal,
      onEvent: () => {},
    })
    expect(log).toEqual(expected)
    expect(told).toEqual(log.filter((line) => line.startsWith('end')).map(() => 'size'))
  },
)
