import { expect, test } from 'vitest'
import { sanitize } from '../../../src/http/sanitize.ts'

test.each([
  ['plain words, ümlauts and 漢字 🚢', 'plain words, ümlauts and 漢字 🚢'],
  ['\x1b[31mred\x1b[0m', '\\u{1b}[31mred\\u{1b}[0m'],
  ['bell\x07 null\0 del\x7f', 'bell\\u{7} null\\u{0} del\\u{7f}'],
  ['C1: \x9b31m', 'C1: \\u{9b}31m'],
  ['two\r\nlines', 'two lines'],
  ['a \t\n\t b', 'a b'],
  ['\n::error::owned', ' ::error::owned'],
  ['ev\u202eil \u2066x\u2069', 'ev\\u{202e}il \\u{2066}x\\u{2069}'],
  ['line\u2028separator\u2029', 'line\\u{2028}separator\\u{2029}'],
  ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
  ['lone \ud83d surrogate \udea2', 'lone \\u{d83d} surrogate \\u{dea2}'],
  ['tag \u{e0041}', 'tag \\u{e0041}'],
])('%j reaches a terminal as %j', (text, expected) => {
  expect(sanitize(text)).toBe(expected)
})

test('a long text ends in an ellipsis at the limit, never in half a character', () => {
  expect(sanitize('abcdef', 5)).toBe('abcd…')
  expect(sanitize('abcde', 5)).toBe('abcde')
  expect(sanitize('abc🚢🚢', 5)).toBe('abc…')
  expect(sanitize('x'.repeat(5000))).toHaveLength(1000)
})
