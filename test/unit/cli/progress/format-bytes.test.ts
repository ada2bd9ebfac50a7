import { expect, test } from 'vitest'
import { formatBytes } from '../../../../src/cli/progress/format-bytes.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [999_499, '999 kB'],
  [999_600, '1.0 MB'],
  [24_649_999, '24.6 MB'],
  [999_940_000, '999.9 MB'],
  [999_960_000, '1.0 GB'],
  [8_589_934_592, '8.6 GB'],
  [2e18, '2000.0 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})
