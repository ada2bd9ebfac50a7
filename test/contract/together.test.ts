import { expect, test } from 'vitest'
import { launcher } from '../support/engines/dray.ts'
import { pullTogether } from '../support/soak/pull-together.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test('eight pulls of images that share layers, with one cache, at once: all archives are right, and none fetches a blob twice', {
  timeout: 120_000,
}, async () => {
  const directory = temporaryDirectory()
  const plan = { launcher, directory, seed: 20_240_506, processes: 8, layerSize: 200_000 }
  expect(await pullTogether(plan)).toEqual([])
})
