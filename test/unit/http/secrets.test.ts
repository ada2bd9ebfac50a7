import { describe, expect, test } from 'vitest'
import { hideInHeaders, hideSecrets, secretsIn, steeringHeaders } from '../../../src/http/secrets.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const login = `Basic ${base64('alice:p@ss:word')}`

describe('a request holds', () => {
  test.each([
    ['a token', { authorization: 'Bearer abc.def' }, ['abc.def', 'abc.def']],
    ['a password', { authorization: login }, [login.slice(6), 'p@ss:word', 'p%40ss%3Aword']],
    [
      'the login of a proxy',
      { 'proxy-authorization': login },
      [login.slice(6), 'p@ss:word', 'p%40ss%3Aword'],
    ],
    ['a header of a configuration file', { 'X-Key': 'hush-hush' }, ['hush-hush', 'hush-hush']],
    ['none', { accept: 'application/json', range: 'bytes=5-', 'user-agent': 'dray' }, []],
    ['one too short to be told from chance', { authorization: 'Bearer abc' }, []],
  ])('%s', (_, headers, expected) => {
    expect(secretsIn({ headers })).toEqual(expected)
  })

  test('an identity token that is posted', () => {
    const body = new URLSearchParams({ client_id: 'dray', refresh_token: 'a b&c' }).toString()
    expect(secretsIn({ body })).toEqual(['a b&c', 'a%20b%26c'])
  })
})

test('what a server repeats of them is hidden', () => {
  const secrets = secretsIn({ headers: { authorization: login } })
  expect(hideSecrets(`alice said ${login}, p@ss:word and p%40ss%3Aword`, secrets)).toBe(
    'alice said Basic ***, *** and ***',
  )
})

test('headers that steer are taken at their word', () => {
  const headers = { 'content-length': '1234', location: '/1234', warning: ['1234', 'x'], server: undefined }
  expect(hideInHeaders(headers, ['1234'], steeringHeaders)).toEqual({
    ...headers,
    warning: ['***', 'x'],
  })
})
