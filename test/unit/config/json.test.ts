import { expect, test } from 'vitest'
import { parseJson } from '../../../src/config/json.ts'
import { mistakeAt, tableAt } from '../../../src/config/table.ts'

test.each([
  ['{"a": 1,}', 1],
  ['{\n  "a": 1\n  "b": 2\n}', 3],
  ['{\n  "a": 1,\n  "b": hunter2\n}', 3],
  ["{\n\n  'a': 1\n}", 3],
  ['{\n  // a comment\n}', 2],
  ['{\n  "a": "hunter2\n}', 2],
  ['{\n  "a": [\n', 2],
  ['[]', 1],
])('%j: a mistake is told with its line, and nothing of the file', (text, line) => {
  expect(() => parseJson(text, 'daemon.json')).toThrow(
    new RegExp(`^daemon\\.json, line ${line}: this is not`),
  )
  expect(() => parseJson(text, 'daemon.json')).not.toThrow(/hunter/)
})

test.each(['', ' \n', '{}'])('%j says nothing', (text) => {
  expect(parseJson(text, 'daemon.json').values).toEqual({})
})

test('a mistake in a value is told with its key and line', () => {
  const root = parseJson('{\n  "proxies": {\n    "http-proxy": 1\n  }\n}', 'daemon.json')
  const error = mistakeAt(tableAt(root, 'proxies'), ['http-proxy'], 'must be a string')
  expect(error.message).toBe('daemon.json, line 3: proxies.http-proxy must be a string')
})
