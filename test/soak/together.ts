import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { seedFor } from '../support/soak/chance.ts'
import { pullTogether } from '../support/soak/pull-together.ts'
import { definePart } from './part.ts'

export const together = definePart({
  name: 'together',
  promise: 'pulls that share one cache, all at once, end with the right archives, and fetch no blob twice',
  numbers: { times: 10, processes: 8, kilobytes: 1500 },
  async run({ seed, numbers: { times, processes, kilobytes }, launcher, directory, say }) {
    const failures: string[] = []
    for (let time = 1; time <= times; time++) {
      const place = join(directory, String(time))
      await mkdir(place)
      const own = seedFor(seed, String(time))
      const layerSize = kilobytes * 1000
      const problems = await pullTogether({ launcher, directory: place, seed: own, processes, layerSize })
      say(`${time}: ${problems.length} problems`)
      failures.push(...problems.map((problem) => `${time}: ${problem}`))
      await rm(place, { recursive: true })
    }
    return { summary: `${times} times ${processes} pulls`, failures }
  },
})
