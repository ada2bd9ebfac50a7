import { describe, expect, test } from 'vitest'
import {
  decodeText,
  expectArray,
  expectObject,
  optionalString,
  optionalStrings,
  parseJsonObject,
  refuseDoubtfulKeys,
} from '../../../src/oci/json.ts'

const integrity = expect.objectContaining({ code: 'INTEGRITY' })

describe('parseJsonObject', () => {
  test('reads an object, a hostile key included', () => {
    const object = parseJsonObject('{"a":1,"__proto__":{"b":2}}', 'it')
    expect(object.a).toBe(1)
    expect(object.b).toBeUndefined()
  })

  test.each(['', 'x', '{', '{}{}', "{'a':1}", '{"a":1,}', '\ufeff{}', 'NaN'])(
    'refuses %j and keeps the cause',
    (text) => {
      expect(() => parseJsonObject(text, 'the thing')).toThrow(
        expect.objectContaining({
          code: 'INTEGRITY',
          message: 'the thing is not valid JSON',
          cause: expect.any(SyntaxError),
        }),
      )
    },
  )

  test.each(['null', '[]', '[{}]', '1', '"{}"', 'true'])('refuses %s, which is no object', (text) => {
    expect(() => parseJsonObject(text, 'the thing')).toThrow(
      expect.objectContaining({ code: 'INTEGRITY', message: 'the thing must be a JSON object' }),
    )
  })

  test('keeps a byte order mark, so that it is refused', () => {
    expect(() => parseJsonObject(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)), 'it')).toThrow(
      integrity,
    )
  })
})

describe('refuseDoubtfulKeys', () => {
  const check = (text: string) => {
    JSON.parse(text)
    refuseDoubtfulKeys(text, ['layers', 'config', 'mediaType'], 'the thing')
  }

  test.each([
    '{}',
    ' { "layers" : [ ] , "config" : { } } ',
    '{"a":{"layers":1,"layers":2,"Layers":3},"layers":4}',
    '{"a":[{"layers":1},{"layers":1}],"layers":["layers","layers"]}',
    '{"a":"layers","b":"\\"layers\\":","layers":"}{]["}',
    '{"a":"\\\\","layers":"\\\\\\"","b":"{"}',
    '{"Other":1,"annotations":{"LAYERS":"x"}}',
  ])('takes %s', (text) => {
    expect(() => check(text)).not.toThrow()
  })

  test.each([
    ['{"layers":1,"layers":2}', 'the thing has the key "layers" twice'],
    ['{"layers":1,"a":{"b":[]},"layers":2}', 'the thing has the key "layers" twice'],
    ['{"layers":1,"lay\\u0065rs":2}', 'the thing has the key "layers" twice'],
    ['{"layers":"\\\\","layers"\n:\t2}', 'the thing has the key "layers" twice'],
    ['{"a":"\\"","layers":1,"layers":2}', 'the thing has the key "layers" twice'],
    ['{"other":1,"Other":2}', 'the thing has the key "Other" twice'],
    ['{"__proto__":1,"__proto__":2}', 'the thing has the key "__proto__" twice'],
    ['{"Layers":1}', 'the thing has "Layers" where "layers" belongs'],
    ['{"LAYERS":1,"layers":2}', 'the thing has "LAYERS" where "layers" belongs'],
    ['{"mediatype":1}', 'the thing has "mediatype" where "mediaType" belongs'],
    ['{"layerſ":1}', 'the thing has "layerſ" where "layers" belongs'],
    ['{"a":{},"Config":1}', 'the thing has "Config" where "config" belongs'],
  ])('refuses %s', (text, message) => {
    expect(() => check(text)).toThrow(expect.objectContaining({ code: 'INTEGRITY', message }))
  })

  test('copes with thousands of escapes and of brackets', () => {
    expect(() => check(`{"a":"${'\\n'.repeat(200_000)}","b":1}`)).not.toThrow()
    expect(() => check(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"b":1}`)).not.toThrow()
  })
})

describe('a part of a document', () => {
  test('is refused when it is of another kind', () => {
    expect(() => expectObject([], 'it')).toThrow('it must be a JSON object')
    expect(() => expectArray({ length: 0 }, 'it')).toThrow('it must be a JSON array')
    expect(() => optionalString({ a: 1 }, 'a', 'it')).toThrow('a of it must be a string')
    expect(() => optionalStrings({ a: ['', 1] }, 'a', 'it')).toThrow('a of it must be an array of strings')
  })

  test('may be absent, or null, where it is optional', () => {
    expect(optionalString({ b: null, c: '', d: 'x' }, 'a', 'it')).toBeUndefined()
    expect(optionalString({ b: null }, 'b', 'it')).toBeUndefined()
    expect(optionalString({ c: '' }, 'c', 'it')).toBeUndefined()
    expect(optionalString({ d: 'x' }, 'd', 'it')).toBe('x')
    expect(optionalStrings({ a: null }, 'a', 'it')).toBeUndefined()
    expect(optionalStrings({ a: [] }, 'a', 'it')).toEqual([])
  })
})
