import { expect, test } from 'vitest'
import { parseContentRange } from '../../../src/registry/content-range.ts'

test.each([
  ['bytes 0-9/10', { start: 0, end: 9, total: 10 }],
  ['bytes 5-9/10', { start: 5, end: 9, total: 10 }],
  ['Bytes 5-9/*', { start: 5, end: 9, total: undefined }],
  [' bytes 5-5/10 ', { start: 5, end: 5, total: 10 }],
  ['bytes=5-9/10', { start: 5, end: 9, total: 10 }],
  ['bytes 9-5/10', undefined],
  ['bytes 5-10/10', undefined],
  ['bytes */10', undefined],
  ['bytes 5-/10', undefined],
  ['bytes -5/10', undefined],
  ['items 5-9/10', undefined],
  ['bytes 5-9', undefined],
  ['bytes 5-9/10, 12-13/20', undefined],
  ['bytes 0x5-9/10', undefined],
  ['bytes 5-9999999999999999999/*', undefined],
  ['', undefined],
  [undefined, undefined],
])('Content-Range %j reads as %j', (header, expected) => {
  expect(parseContentRange(header)).toEqual(expected)
})
