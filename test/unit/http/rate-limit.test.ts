import { describe, expect, test } from 'vitest'
import { formatRateLimit, rateLimitError, rateLimitOf } from '../../../src/http/rate-limit.ts'

const hub = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }
const silence = { codes: [], text: '', isWebPage: false, isFromRegistry: false }

describe('rateLimitOf', () => {
  test.each([
    [hub, { limit: 100, remaining: 76, window: 21600 }],
    [
      { ...hub, 'docker-ratelimit-source': '198.51.100.7' },
      { limit: 100, remaining: 76, window: 21600, source: '198.51.100.7' },
    ],
    [{ 'ratelimit-limit': '200' }, { limit: 200 }],
    [{ 'ratelimit-limit': '200', 'ratelimit-remaining': 'many' }, { limit: 200 }],
    [{ 'ratelimit-limit': 'unlimited' }, undefined],
    [{ 'ratelimit-remaining': '7' }, undefined],
    [{}, undefined],
  ])('reads %j', (headers, limit) => {
    expect(rateLimitOf({ headers })).toEqual(limit)
  })
})

test.each([
  [hub, '100 in 6 h, 76 left'],
  [{ ...hub, 'docker-ratelimit-source': '2001:db8::1' }, '100 in 6 h, 76 left, counted for 2001:db8::1'],
  [{ ...hub, 'docker-ratelimit-source': '7f4a8b1e-0000' }, '100 in 6 h, 76 left, counted for the account'],
  [{ 'ratelimit-limit': '5;w=60' }, '5 in 60 s'],
  [{ 'ratelimit-limit': '5' }, '5'],
])('a limit of %j reads as %s', (headers, text) => {
  const limit = rateLimitOf({ headers })
  expect(limit && formatRateLimit(limit)).toBe(text)
})

describe('rateLimitError', () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
  test.each([
    [{ 'retry-after': '18720' }, 'try again in 5 h 12 min'],
    [{ 'retry-after': '99' }, 'try again in 99 s'],
    [{ 'retry-after': '101' }, 'try again in 2 min'],
    [{ 'retry-after': '3541' }, 'try again in 1 h'],
    [{ 'retry-after': '172800' }, 'try again in 2 days'],
    [{ date, 'retry-after': 'Wed, 21 Oct 2026 08:00:00 GMT' }, 'try again in 32 min'],
    [{ date, 'retry-after': 'Wed, 21 Oct 2026 07:00:00 GMT' }, 'try again in some minutes'],
    [{ 'retry-after': '880.4us' }, 'try again in some minutes'],
    [hub, 'try again later (what is older than 6 h does not count)'],
    [{}, 'try again in some minutes'],
  ])('says when to come back after %j', (headers, hint) => {
    const client = { registry: 'docker.io', loggedIn: true }
    expect(rateLimitError('docker.io', { headers }, silence, client)).toMatchObject({
      code: 'RATE_LIMITED',
      hint,
    })
  })

  test('suggests a login to whoever has none', () => {
    const client = { registry: 'docker.io', loggedIn: false }
    expect(rateLimitError('docker.io', { headers: {} }, silence, client).hint).toMatch(
      /dray login docker\.io$/,
    )
  })
})
