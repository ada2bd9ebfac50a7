import { describe, expect, test } from 'vitest'
import { allProperties } from './all-properties.ts'
import type { Parameters } from './property.ts'

/** The same inputs every time: chance is for the soak. More with DRAY_FUZZ_SECONDS, so many for each. */
const seconds = Number(process.env.DRAY_FUZZ_SECONDS ?? 0)
const parameters: Parameters =
  seconds > 0
    ? { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: seconds * 1000 }
    : { numRuns: 100, seed: 20_240_506 }

describe('whatever comes in:', () => {
  test.each(allProperties)('$name', { timeout: (seconds + 60) * 1000 }, async ({ check }) => {
    const { failure } = await check(parameters)
    expect(failure).toBeUndefined()
  })
})
