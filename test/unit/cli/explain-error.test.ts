import { describe, expect, test } from 'vitest'
import { describeError, explainError } from '../../../src/cli/explain-error.ts'
import { DrayError } from '../../../src/errors.ts'

const systemError = (code: string, message: string) => Object.assign(new Error(message), { code })

describe('an error is told as', () => {
  const cases: readonly [string, unknown, string][] = [
    [
      'what failed',
      new DrayError('NOT_FOUND', 'ghcr.io has no org/app:2'),
      'dray: ghcr.io has no org/app:2\n',
    ],
    ['what failed, then what to try', new DrayError('USAGE', 'no', { hint: 'yes' }), 'dray: no\ntry: yes\n'],
    [
      'the cause in between',
      new DrayError('NETWORK', 'no token', {
        hint: 'wait',
        cause: new DrayError('NETWORK', 'auth.example is gone'),
      }),
      'dray: no token\n  because: auth.example is gone\ntry: wait\n',
    ],
    [
      'plain words, without what Node calls it',
      new DrayError('FILE', 'cannot write x.tar: the disk is full', {
        cause: systemError('ENOSPC', 'ENOSPC: no space left on device, write'),
      }),
      'dray: cannot write x.tar: the disk is full\n',
    ],
    [
      'a chain of causes',
      new DrayError('NETWORK', 'a', { cause: new Error('b', { cause: new Error('c') }) }),
      'dray: a\n  because: b\n  because: c\n',
    ],
    [
      'nothing twice',
      new DrayError('NETWORK', 'no answer from x: connection refused', {
        cause: new Error('Connection refused', { cause: new Error('refused') }),
      }),
      'dray: no answer from x: connection refused\n',
    ],
    [
      'one of many equal causes',
      new DrayError('NETWORK', 'x', {
        cause: new AggregateError([new Error('first'), new Error('second')], 'all failed'),
      }),
      'dray: x\n  because: all failed\n  because: first\n',
    ],
    [
      'a message of several lines',
      new DrayError('NO_MATCHING_PLATFORM', 'there is:\n  linux/arm64'),
      'dray: there is:\n  linux/arm64\n',
    ],
  ]
  test.each(cases)('%s', (_, error, text) => {
    expect(explainError(error, { debug: false })).toBe(text)
  })
})

test('passwords and signatures in URLs are not printed', () => {
  const cause = new Error('GET https://me:secret@host/blob?sig=abc&service=x failed')
  const text = explainError(new DrayError('NETWORK', 'proxy http://u:p@proxy:3128 is gone', { cause }), {
    debug: true,
  })
  expect(text).not.toMatch(/secret|abc|u:p/)
  expect(text).toContain('proxy:3128')
})

test('control characters do not reach the terminal', () => {
  const text = explainError(new DrayError('NETWORK', 'a\u001b[31mb\u202ec', { hint: '\u009b0m' }), {
    debug: false,
  })
  expect(text).toBe('dray: a\\u{1b}[31mb\\u{202e}c\ntry: \\u{9b}0m\n')
})

test('a stack is shown with debug only', () => {
  const error = new DrayError('NETWORK', 'x', { cause: new Error('y') })
  expect(explainError(error, { debug: false })).not.toContain(' at ')
  expect(explainError(error, { debug: true })).toMatch(/DrayError: x\n.* at .*Error: y\n.* at /s)
})

test('anything unexpected is a bug: it shows its stack and asks for a report', () => {
  const text = explainError(new TypeError('x is not a function'), { debug: false })
  expect(text).toMatch(/^dray: this is a bug in dray: x is not a function\n/)
  expect(text).toContain(' at ')
  expect(text).toMatch(/try: report it[^\n]*\n$/)
})

test.each([
  [new DrayError('TLS', 'x', { hint: 'y' }), { code: 'TLS', message: 'x', hint: 'y', exitCode: 8 }],
  [new DrayError('TLS', 'x'), { code: 'TLS', message: 'x', exitCode: 8 }],
  [new TypeError('x'), { code: 'BUG', message: 'x', exitCode: 1 }],
])('for programs: %s', (error, described) => {
  expect(describeError(error)).toEqual(described)
})
