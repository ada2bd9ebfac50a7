import { expect, test } from 'vitest'
import { toJson } from '../../../src/cli/to-json.ts'

test.each([
  ['a C1 control', '\u009b31m', '"\\u009b31m"'],
  ['an escape', '\u001b[31m', '"\\u001b[31m"'],
  ['a bidirectional override', 'a\u202eb', '"a\\u202eb"'],
  ['an isolate', '\u2066', '"\\u2066"'],
  ['a zero-width space', '\u200b', '"\\u200b"'],
  ['a line separator', '\u2028', '"\\u2028"'],
  ['an invisible tag beyond the first plane', '\u{e0041}', '"\\udb40\\udc41"'],
  ['nothing else: umlauts and emoji stay', 'ü😀', '"ü😀"'],
])('escapes %s', (_, text, json) => {
  expect(toJson(text)).toBe(json)
  expect(JSON.parse(toJson(text))).toBe(text)
})
