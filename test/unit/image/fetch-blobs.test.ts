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
  fetchPiece: () => Promise.resolve(undefined),
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
