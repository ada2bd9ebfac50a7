import { describe, expect, test } from 'vitest'
import { formatJsonText, jsonMember, parseJsonText } from '../../../src/auth/json-text.ts'

const dockersOwn = `{
	"auths": {
		"a.example": {},
		"b.example": {
			"auth": "YTpi"
		}
	},
	"plugins": {
		"debug": {
			"hooks": "exec"
		}
	},
	"aliases": [
		"a\\u0026b",
		[]
	]
}`

describe('a JSON document', () => {
  test('of docker comes out as it went in', () => {
    expect(formatJsonText(parseJsonText(dockersOwn))).toBe(dockersOwn)
  })

  test.each([
    ['numbers as they are spelled', '[1.0,12345678901234567890,-1e400]'],
    ['strings as they are spelled', '["\\u003cb\\u003e","\\/","\\"{[,:]}","ü\\\\"]'],
    ['keys in their order', '{"z":1,"10":2,"9":3}'],
    ['keys that come twice', '{"a":1,"a":{"b":[true,false,null]}}'],
    ['keys that JavaScript has a use for', '{"__proto__":{"constructor":{}}}'],
    ['a lone scalar', '"x"'],
  ])('keeps %s', (_, text) => {
    expect(formatJsonText(parseJsonText(text)).replace(/[\n\t]|(?<=:) /g, '')).toBe(text)
  })

  test('knows a key by what it means, however it is written', () => {
    expect(parseJsonText('{"\\u0061uths":{}}')).toEqual({
      kind: 'object',
      members: [{ key: 'auths', text: '"\\u0061uths"', value: { kind: 'object', members: [] } }],
    })
  })

  test.each(['', '{', '{"a":1,}', "{'a':1}", '{} {}', '{"a" 1}'])('that is none is refused: %s', (text) => {
    expect(() => parseJsonText(text)).toThrow(SyntaxError)
  })

  test('takes new members', () => {
    const node = { kind: 'object', members: [jsonMember('a "b"', { kind: 'array', items: [] })] } as const
    expect(formatJsonText(node)).toBe('{\n\t"a \\"b\\"": []\n}')
  })
})
