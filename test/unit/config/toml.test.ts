import { describe, expect, test } from 'vitest'
import { mistakeAt, tableAt } from '../../../src/config/table.ts'
import { parseToml } from '../../../src/config/toml.ts'
import { isDrayError } from '../../../src/errors.ts'

describe('parseToml', () => {
  test('keeps the tables in the order of the file, whatever their names', () => {
    const root = parseToml('[host."https://z"]\n[host."https://a"]\n[host.m]\n', 'hosts.toml')
    expect(Object.keys(tableAt(root, 'host').values)).toEqual(['https://z', 'https://a', 'm'])
  })

  test('takes a file with a byte order mark', () => {
    expect(parseToml('\uFEFFa = 1', 'f').values.a).toBe(1)
  })

  test.each([
    ['a = 1\nlocation = mirror', 'f, line 2, column 12, at location: invalid value'],
    ['[[registry]\nlocation = "a"', 'f, line 1, column 12, at [[registry]: '],
    ['a = 1\na = 2', 'f, line 2, column 1, at a: trying to redefine an already defined table or value'],
    ['[x]\n"b c" = ', 'f, line 2, column 9'],
    ['list = [\n1,\n', 'f, line 3, column 1'],
  ])('%j: a mistake is told with file, line, column and key', (text, message) => {
    expect(messageOf(() => parseToml(text, 'f'))).toContain(message)
  })

  test.each([
    'password = hunter2',
    'password = "hunter2',
    "password = 'hunter2\n'",
    'auth = "\\q hunter2"',
    '[host."https://u:hunter2@m"',
  ])('%j: the value of the mistake is not repeated, it may be a secret', (text) => {
    expect(messageOf(() => parseToml(text, 'f'))).not.toContain('hunter')
  })
})

describe('mistakeAt', () => {
  const text = [
    '[[registry]]',
    'location = "a"',
    '[[registry]]',
    'location = "b"',
    '[[registry.mirror]]',
    'location = 3',
    '[host."https://a.example"]',
    'capabilities = [',
    '  "pull",',
    ']',
  ].join('\n')

  test.each([
    [['registry', 1, 'mirror', 0, 'location'], 'f, line 6: registry[1].mirror[0].location is wrong'],
    [['registry', 1], 'f, line 3: registry[1] is wrong'],
    [['registry', 0, 'location'], 'f, line 2: registry[0].location is wrong'],
    [
      ['host', 'https://a.example', 'capabilities'],
      'f, line 10: host."https://a.example".capabilities is wrong',
    ],
    [['nowhere'], 'f: nowhere is wrong'],
  ])('%j: says file, line and key', (path, message) => {
    expect(mistakeAt(parseToml(text, 'f'), path, 'is wrong').message).toBe(message)
  })
})

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (isDrayError(error, 'FILE')) return error.message
    throw error
  }
  return ''
}
