import { startRegistry } from '../support/engines/docker-registry.ts'
import { openKillTrial } from '../support/engines/kill-trial.ts'
import { definePart } from './part.ts'

const megabyte = 1_000_000

/** The first three have met every format and every place to keep what has arrived: blobs, the archive itself, a cache. */
const ways = [
  { format: 'oci', cache: false },
  { format: 'docker', cache: false },
  { format: 'oci', cache: true },
  { format: 'docker', cache: true },
] as const

export const kills = definePart({
  name: 'kills',
  promise: 'a pull that is killed again and again ends with the right archive, and pays for few bytes twice',
  numbers: { kills: 50, megabytes: 300, rate: 30, ways: 3 },
  async run({ seed, numbers, launcher, directory, say }) {
    const registry = await startRegistry({ directory, storage: `${directory}/registry` })
    const trial = await openKillTrial({
      ...{ launcher, directory, seed, host: registry.host, kills: numbers.kills },
      bytes: numbers.megabytes * megabyte,
      bytesPerSecond: numbers.rate * megabyte,
    })
    try {
      const figures: string[] = []
      const failures: string[] = []
      for (const way of ways.slice(0, numbers.ways)) {
        const { kills, sent, problems } = await trial.run(way)
        const figure = `${sent.toFixed(3)} × (${way.format}, ${way.cache ? '--cache' : 'no cache'})`
        say(`${kills} kills, the registry sent ${figure} the image's bytes`)
        figures.push(figure)
        failures.push(...problems)
      }
      return { summary: `${numbers.kills} kills each, sent ${figures.join(', ')}`, failures }
    } finally {
      await trial.stop()
      await registry.stop()
    }
  },
})
