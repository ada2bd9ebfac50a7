import { tortureAll } from '../support/torture/torture-all.ts'
import { definePart } from './part.ts'

export const torture = definePart({
  name: 'torture',
  promise:
    'whichever call of the file system fails, there is never a wrong archive, and nothing is left that should not be',
  numbers: {},
  async run({ launcher, say }) {
    const failures: string[] = []
    let [total, struckInWorkers] = [0, 0]
    await tortureAll(launcher, ({ name, runs, failed, inWorkers, complaints }) => {
      const figures = [
        `${runs} runs`,
        `${inWorkers} of them struck in a worker`,
        `${failed} failed as they should`,
      ]
      say([`${name}: ${figures.join(', ')}`, ...complaints].join('\n  '))
      total += runs
      struckInWorkers += inWorkers
      failures.push(...complaints.map((complaint) => `${name}: ${complaint}`))
    })
    return { summary: `${total} runs, ${struckInWorkers} of them struck in a worker`, failures }
  },
})
