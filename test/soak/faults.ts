import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { playScene } from '../support/random-faults/play-scene.ts'
import { describeScene, drawScene } from '../support/random-faults/scene.ts'
import { imageNames, makeWares } from '../support/random-faults/wares.ts'
import { createChance } from '../support/soak/chance.ts'
import { definePart } from './part.ts'

/** One with `--pulls 1` and the seed of a pull repeats that pull alone. */
export const faults = definePart({
  name: 'faults',
  promise:
    'whatever faults a pull meets, its archive is right or it says why there is none, and the next one ends well',
  numbers: { pulls: 200, jobs: 12 },
  async run({ seed, numbers: { pulls, jobs }, launcher, directory, say }) {
    const content = makeWares()
    const chance = createChance(seed)
    const seeds = [seed, ...Array.from({ length: pulls - 1 }, () => chance.between(0, 2 ** 31 - 1))]
    const queue = seeds.values()
    const failures: string[] = []
    const endings = new Map<string, number>()
    let faults = 0
    const play = async () => {
      for (const each of queue) {
        const scene = drawScene(each, imageNames)
        const place = join(directory, String(each))
        await mkdir(place)
        const { exitCode, met, problems } = await playScene(scene, { launcher, directory: place, content })
        faults += met.length
        endings.set(String(exitCode), (endings.get(String(exitCode)) ?? 0) + 1)
        if (problems.length > 0) {
          say([describeScene(scene), ...met, ...problems].join('\n  '))
          failures.push(...problems.map((problem) => `seed ${each}: ${problem}`))
        }
        await rm(place, { recursive: true })
      }
    }
    await Promise.all(Array.from({ length: jobs }, play))
    const codes = [...endings].sort().map(([code, count]) => `${count} × ${code}`)
    return { summary: `${pulls} pulls, ${faults} faults, exit codes ${codes.join(', ')}`, failures }
  },
})
