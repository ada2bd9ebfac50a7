import { expect, test } from 'vitest'
import { type GoValue, goJson } from '../../../src/archive/go-json.ts'

test.each<[string, GoValue, string]>([
  ['null, numbers and booleans', [null, 30_000_000_000, -1, true, false], '[null,30000000000,-1,true,false]'],
  ['fields in their order, without undefined ones', { z: 1, a: undefined, b: [] }, '{"z":1,"b":[]}'],
  [
    'maps by the bytes of their keys',
    new Map([
      ['ﬀ', 1],
      ['😀', 2],
      ['b', 3],
      ['B', 4],
    ]),
    '{"B":4,"b":3,"ﬀ":1,"😀":2}',
  ],
  ['an empty map', new Map(), '{}'],
  [
    'what HTML could trip over',
    '<a href="x">&\u2028\u2029</a>',
    '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\u003c/a\\u003e"',
  ],
  [
    'control characters',
    '\\\n\r\t\b\f\u0000\u001f\u007f',
    '"\\\\\\n\\r\\t\\u0008\\u000c\\u0000\\u001f\u007f"',
  ],
  ['everything else as it is', "é😀/'", '"é😀/\'"'],
  ['keys like other strings', { 'a<b': '' }, '{"a\\u003cb":""}'],
])('%s are written as Go writes them', (_, value, text) => {
  expect(goJson(value)).toBe(text)
})
