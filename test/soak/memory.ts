import { mostMemory } from '../support/engines/measure.ts'
import { measureCase, memoryCases } from '../support/engines/memory-cases.ts'
import { definePart } from './part.ts'

export const memory = definePart({
  name: 'memory',
  promise: `nothing that a server sends, and no disk, makes a pull take more than ${mostMemory / 1e6} MB of memory`,
  numbers: {
    slowMegabytes: 200,
    diskRate: 20,
    errorMebibytes: 1024,
    bombMebibytes: 2048,
    largeMebibytes: 5120,
  },
  async run({ numbers, launcher, directory, say }) {
    const failures: string[] = []
    let highest = 0
    for (const each of memoryCases(numbers)) {
      const { peakMemory, seconds, problems } = await measureCase(each, { launcher, directory })
      const figure = `${(peakMemory / 1e6).toFixed(1)} MB at most, ${seconds.toFixed(1)} s`
      say(`${figure}: ${each.name}`)
      const tooMuch = peakMemory > mostMemory || peakMemory === 0 ? [figure] : []
      failures.push(...[...problems, ...tooMuch].map((problem) => `${each.name}: ${problem}`))
      highest = Math.max(highest, peakMemory)
    }
    return { summary: `${(highest / 1e6).toFixed(1)} MB at most`, failures }
  },
})
