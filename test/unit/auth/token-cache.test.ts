import { describe, expect, test } from 'vitest'
import type { Token } from '../../../src/auth/token.ts'
import { createTokenCache } from '../../../src/auth/token-cache.ts'

/** A clock to turn by hand, and a server whose tokens live `lifetime` ms; they are called 1, 2, 3. */
function setUp(lifetime = 60_000) {
  const clock = { now: 1_000_000 }
  const cache = createTokenCache(() => clock.now)
  const signals: AbortSignal[] = []
  const pending: { resolve: (token: Token) => void; reject: (error: unknown) => void }[] = []
  const fetch = (signal: AbortSignal) => {
    signals.push(signal)
    return new Promise<Token>((resolve, reject) => pending.push({ resolve, reject }))
  }
  const deliver = (i: number) =>
    pending[i]?.resolve({ value: String(i + 1), expiresAt: clock.now + lifetime })
  const fetchNow = async () => ({
    value: String(signals.push(new AbortController().signal)),
    expiresAt: clock.now + lifetime,
  })
  return { clock, cache, signals, pending, fetch, deliver, fetchNow }
}

describe('a token', () => {
  test.each([
    [60_000, 47_000, 1],
    [60_000, 49_000, 2],
    [300_000, 239_000, 1],
    [300_000, 241_000, 2],
    [1_000, 700, 1],
    [1_000, 900, 2],
  ])('that lives %i ms has been fetched, %i ms on, %i time(s)', async (lifetime, later, fetched) => {
    const { clock, cache, signals, fetchNow } = setUp(lifetime)
    await cache.get('key', fetchNow)
    clock.now += later
    expect(await cache.get('key', fetchNow)).toMatchObject({ value: String(fetched) })
    expect(signals).toHaveLength(fetched)
  })

  test('is fetched once however many wait for it', async () => {
    const { cache, signals, fetch, deliver } = setUp()
    const waiting = Array.from({ length: 20 }, () => cache.get('key', fetch))
    deliver(0)
    expect(new Set((await Promise.all(waiting)).map(({ value }) => value))).toEqual(new Set(['1']))
    expect(signals).toHaveLength(1)
  })

  test('is good for its own key only', async () => {
    const { cache, fetchNow } = setUp()
    expect((await cache.get('a', fetchNow)).value).toBe('1')
    expect((await cache.get('b', fetchNow)).value).toBe('2')
  })

  test('that was refused is fetched anew, once for all who used it', async () => {
    const { cache, signals, fetchNow } = setUp()
    const first = await cache.get('key', fetchNow)
    cache.drop('key', first)
    const second = await cache.get('key', fetchNow)
    cache.drop('key', first)
    expect(await cache.get('key', fetchNow)).toBe(second)
    expect(signals).toHaveLength(2)
  })
})

describe('a fetch', () => {
  test('that fails is told to all who wait, and tried again for the next', async () => {
    const { cache, fetch, pending, fetchNow } = setUp()
    const waiting = [cache.get('key', fetch), cache.get('key', fetch)]
    pending[0]?.reject(new Error('no'))
    expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(cache.get('key', fetchNow)).resolves.toBeDefined()
  })

  test('goes on for the others when one gives up', async () => {
    const { cache, signals, fetch, deliver } = setUp()
    const impatient = new AbortController()
    const first = cache.get('key', fetch, impatient.signal)
    const second = cache.get('key', fetch)
    impatient.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    expect(signals[0]?.aborted).toBe(false)
    deliver(0)
    expect((await second).value).toBe('1')
    expect(signals).toHaveLength(1)
  })

  test('ends when nobody waits any more, and the next one starts afresh', async () => {
    const { cache, signals, fetch, fetchNow } = setUp()
    const callers = [new AbortController(), new AbortController()]
    const waiting = callers.map(({ signal }) => cache.get('key', fetch, signal))
    for (const caller of callers) caller.abort(new Error('gone'))
    await Promise.allSettled(waiting)
    expect(signals[0]?.aborted).toBe(true)
    expect((await cache.get('key', fetchNow)).value).toBe('2')
  })

  test('is not even begun for a caller who has gone', async () => {
    const { cache, signals, fetch } = setUp()
    await expect(cache.get('key', fetch, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(signals).toHaveLength(0)
  })
})
