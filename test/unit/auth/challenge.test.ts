import { describe, expect, test } from 'vitest'
import { parseChallenges } from '../../../src/auth/challenge.ts'

const hub = { realm: 'https://auth.docker.io/token', service: 'registry.docker.io' }

describe('parseChallenges', () => {
  test.each([
    ['a plain Bearer challenge', `Bearer realm="${hub.realm}",service="${hub.service}"`, [['bearer', hub]]],
    ['names in any case', `BEARER Realm="${hub.realm}",SERVICE="${hub.service}"`, [['bearer', hub]]],
    ['values without quotes', `Bearer realm=${hub.realm},service=${hub.service}`, [['bearer', hub]]],
    ['spaces around = and ,', `Bearer realm = "${hub.realm}" , service  =${hub.service}`, [['bearer', hub]]],
    [
      'no space behind the comma',
      'Basic realm="a",Bearer realm="b"',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b' }],
      ],
    ],
    [
      'several challenges in one line',
      'Basic realm="a, b", Bearer realm="https://t/",scope="repository:x:pull,push"',
      [
        ['basic', { realm: 'a, b' }],
        ['bearer', { realm: 'https://t/', scope: 'repository:x:pull,push' }],
      ],
    ],
    [
      'an empty value in quotes',
      'Bearer realm="r",scope="",service="s"',
      [['bearer', { realm: 'r', scope: '', service: 's' }]],
    ],
    ['an empty value without quotes', 'Bearer scope=,realm="r"', [['bearer', { scope: '', realm: 'r' }]]],
    ['escapes', 'Basic realm="say \\"hi\\", \\\\me"', [['basic', { realm: 'say "hi", \\me' }]]],
    [
      'a query in an unquoted realm',
      'Bearer realm=https://t/x?a=b&c=d,service=s',
      [['bearer', { realm: 'https://t/x?a=b&c=d', service: 's' }]],
    ],
    [
      'a token68 of an unknown scheme',
      'Negotiate abc/def+x, Bearer realm="r"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'r' }],
      ],
    ],
    [
      'schemes without parameters',
      'Negotiate, NTLM, Basic realm="r"',
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'r' }],
      ],
    ],
    ['empty list elements', ', ,Basic realm="r", ,', [['basic', { realm: 'r' }]]],
    [
      'a missing comma between challenges',
      'Basic realm="a" Bearer realm="b"',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b' }],
      ],
    ],
    ['an unterminated quote', 'Bearer realm="https://t/', [['bearer', { realm: 'https://t/' }]]],
    ['parameters without a scheme', 'realm="r"', []],
    ['nothing', '', []],
  ])('reads %s', (_, header, expected) => {
    expect(parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters])).toEqual(expected)
  })

  test('does not let padding of a token68 reach the next challenge', () => {
    const bearer = parseChallenges('Negotiate YIIab==, Bearer realm="r"')[1]
    expect(bearer).toEqual({ scheme: 'bearer', parameters: { realm: 'r' } })
  })

  test('keeps the order of several header lines', () => {
    const schemes = parseChallenges(['Basic realm="a"', 'Bearer realm="b", Negotiate']).map(
      ({ scheme }) => scheme,
    )
    expect(schemes).toEqual(['basic', 'bearer', 'negotiate'])
  })

  test('takes a missing header for no challenge', () => {
    expect(parseChallenges(undefined)).toEqual([])
  })

  test('reads a hostile header in linear time', () => {
    const started = performance.now()
    parseChallenges(`Bearer ${' ='.repeat(30_000)}${'"\\'.repeat(30_000)}${'a '.repeat(30_000)}`)
    expect(performance.now() - started).toBeLessThan(200)
  })
})
