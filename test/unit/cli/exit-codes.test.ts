import { expect, test } from 'vitest'
import { exitCodeFor, exitCodes, exitCodesHelp } from '../../../src/cli/exit-codes.ts'
import { DrayError } from '../../../src/errors.ts'

test.each([
  ['USAGE', 2],
  ['NOT_FOUND', 3],
  ['NO_MATCHING_PLATFORM', 3],
  ['UNSUPPORTED', 3],
  ['UNAUTHORIZED', 4],
  ['PROXY_AUTH', 4],
  ['NETWORK', 5],
  ['INTEGRITY', 6],
  ['FILE', 7],
  ['TLS', 8],
  ['POLICY', 8],
  ['RATE_LIMITED', 9],
  ['ABORTED', 130],
  ['PIPE_CLOSED', 141],
] as const)('%s exits with %d', (code, exitCode) => {
  expect(exitCodeFor(new DrayError(code, 'x'))).toBe(exitCode)
})

test('whatever else is thrown is a bug and exits with 1', () => {
  expect([new TypeError('x'), 'text', undefined].map(exitCodeFor)).toEqual([1, 1, 1])
})

test('every exit code stands in the help', () => {
  for (const code of [0, 1, 129, 143, ...Object.values(exitCodes)]) {
    expect(exitCodesHelp).toMatch(new RegExp(`(^|\\s)${code}\\s`))
  }
})
