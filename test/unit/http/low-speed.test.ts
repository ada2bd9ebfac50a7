import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { watchLowSpeed } from '../../../src/http/low-speed.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A body of which so many bytes come each second; resolves to after how many seconds it was too slow. */
function watch(
  bytesIn: (second: number) => number,
  { heldUp = (_second: number): boolean => false, until = 300 } = {},
) {
  let second = 0
  let tooSlowAt: number | undefined
  const errors: Error[] = []
  const onTooSlow = (error: Error) => {
    errors.push(error)
    tooSlowAt = second
  }
  const { arrived, end } = watchLowSpeed({ span: 60_000, isHeldUp: () => heldUp(second), onTooSlow })
  while (second < until) {
    second += 1
    arrived(bytesIn(second))
    vi.advanceTimersByTime(1000)
  }
  end()
  return { tooSlowAt, errors }
}

describe('a body', () => {
  test.each<[string, (second: number) => number, number | undefined]>([
    ['of 1 KiB/s is fast enough', () => 1024, undefined],
    ['of a byte less is not', () => 1023, 60],
    ['of one byte a second is not', () => 1, 60],
    [
      'that comes in lumps is as fast as they are on the whole',
      (n) => (n % 25 === 0 ? 60_000 : 0),
      undefined,
    ],
    ['that was fast once has to stay so', (n) => (n <= 60 ? 1_000_000 : 1), 120],
    ['that is slow for less than a minute is forgiven', (n) => (n % 70 < 55 ? 10 : 100_000), undefined],
    ['that is silent is for the limit of silence to judge', (n) => (n <= 20 ? 10 : 0), undefined],
  ])('%s', (_, bytesIn, at) => {
    expect(watch(bytesIn).tooSlowAt).toBe(at)
  })

  test('that is too slow is told of once, and how slow it was', () => {
    const { errors } = watch(() => 1)
    expect(errors).toEqual([expect.objectContaining({ code: 'BODY_TOO_SLOW' })])
    expect(errors[0]?.message).toBe('less than 1 KiB/s over 60 s')
  })

  test('that ends in time is not slow, however few its bytes', () => {
    expect(watch(() => 1, { until: 59 }).errors).toEqual([])
    vi.advanceTimersByTime(1_000_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that we do not take is not slow, for hours', () => {
    expect(watch(() => 0, { heldUp: () => true, until: 10_000 }).errors).toEqual([])
  })

  test('that we take in small bites is not slow: no time counts in which we were', () => {
    const slowDisk = { heldUp: (second: number) => second % 6 < 3, until: 10_000 }
    expect(watch((second) => (second % 6 === 4 ? 100 : 0), slowDisk).errors).toEqual([])
  })

  test('is judged by the time that we were there for it only', () => {
    expect(watch(() => 1, { heldUp: (second) => second <= 90 }).tooSlowAt).toBe(156)
  })
})

test('a machine that was asleep does not blame the server', () => {
  const errors: Error[] = []
  const { arrived, end } = watchLowSpeed({
    span: 60_000,
    isHeldUp: () => false,
    onTooSlow: (error) => errors.push(error),
  })
  for (let step = 0; step < 100; step++) {
    arrived(10_000)
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(6000)
  }
  end()
  expect(errors).toEqual([])
})
