import { describe, expect, test } from 'vitest'
import { DrayError, isDrayError, quote, systemErrorCode } from '../../src/errors.ts'

describe('DrayError', () => {
  test('keeps what went wrong, what to try and what was behind it', () => {
    const cause = new Error('behind')
    const error = new DrayError('FILE', 'no room', { hint: 'delete something', cause })
    expect(error).toMatchObject({
      name: 'DrayError',
      code: 'FILE',
      message: 'no room',
      hint: 'delete something',
      cause,
    })
  })

  test('has no cause when there is none', () => {
    expect('cause' in new DrayError('FILE', 'no room')).toBe(false)
  })

  test('is told from other errors, and by its code', () => {
    expect(isDrayError(new DrayError('FILE', ''))).toBe(true)
    expect(isDrayError(new DrayError('FILE', ''), 'FILE')).toBe(true)
    expect(isDrayError(new DrayError('FILE', ''), 'TLS')).toBe(false)
    expect(isDrayError(new Error('FILE'))).toBe(false)
  })
})

test("systemErrorCode is Node's code, where there is one", () => {
  expect(systemErrorCode(Object.assign(new Error(), { code: 'ENOSPC' }))).toBe('ENOSPC')
  expect(systemErrorCode(Object.assign(new Error(), { code: 7 }))).toBeUndefined()
  expect(systemErrorCode({ code: 'ENOSPC' })).toBeUndefined()
})

describe('quote', () => {
  test.each([
    ['plain text', '"plain text"'],
    ['a "quote" and a \\', '"a \\"quote\\" and a \\\\"'],
    ['\x1b[2J\r\n\0', '"\\u001b[2J\\r\\n\\u0000"'],
    ['\x7f\x9b2J', '"\\u{7f}\\u{9b}2J"'],
    ['\u202egnp.exe\u2066\u200b\ufeff', '"\\u{202e}gnp.exe\\u{2066}\\u{200b}\\u{feff}"'],
    ['\u2028\u2029', '"\\u{2028}\\u{2029}"'],
    ['\u{e0041}', '"\\u{e0041}"'],
    ['\ud800', '"\\ud800"'],
    ['é 漢 🐳', '"é 漢 🐳"'],
  ])('shows %j without letting it steer a terminal', (text, quoted) => {
    expect(quote(text)).toBe(quoted)
  })

  test('cuts what is long', () => {
    expect(quote('x'.repeat(200))).toBe(`"${'x'.repeat(200)}"`)
    expect(quote('x'.repeat(201))).toBe(`"${'x'.repeat(200)}…"`)
  })
})
