// Tries one property as long as it is told to.
import { allProperties } from '../property/all-properties.ts'

export interface FuzzTask {
  readonly name: string
  readonly seed: number
  readonly milliseconds: number
}

process.on('message', async ({ name, seed, milliseconds }: FuzzTask) => {
  const found = allProperties.find((property) => property.name === name)
  const parameters = { seed, numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: milliseconds }
  process.send?.((await found?.check(parameters)) ?? { runs: 0, seed, failure: 'there is no such property' })
})
