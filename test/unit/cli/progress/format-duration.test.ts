import { expect, test } from 'vitest'
import { formatDuration } from '../../../../src/cli/progress/format-duration.ts'

test.each([
  [0, '0 s'],
  [49, '0 s'],
  [450, '0.5 s'],
  [4000, '4 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [185_000, '3 min 5 s'],
  [3_600_000, '1 h'],
  [7_800_000, '2 h 10 min'],
])('%d ms are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
})
