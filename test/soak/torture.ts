import { tortureAll } from '../support/torture/torture.ts'
import { definePart } from './part.ts'

export const torture = definePart({
  name: 'torture',
  promise:
    'whichever call of the file system fails, there is never a wrong archive, and nothing is left that should not be',
  numbers: {},
  async run({ say }) {
    const failures: string[] = []
    let total = 0
    await tortureAll(({ name, runs, failed, complaints }) => {
      say(`${name}: ${runs} runs, ${failed} of them failed as they should, ${complaints.length} complaints`)
      total += runs
      failures.push(...complaints.map((complaint) => `${name}: ${complaint}`))
    })
    return { summary: `${total} runs`, failures }
  },
})
