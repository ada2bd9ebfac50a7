import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createCounter } from '../../../../src/cli/progress/tally.ts'
import type { PullEvent } from '../../../../src/events.ts'
import { digestOf } from '../../../../src/oci/digest.ts'

const a = digestOf('a')
const b = digestOf('b')
const resolve: PullEvent = { type: 'resolve', reference: 'x' }
const resolved: PullEvent = {
  type: 'resolved',
  reference: 'x',
  digest: a,
  platform: 'y',
  layers: 2,
  size: 1000,
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function tallyOf(...events: readonly PullEvent[]) {
  const counter = createCounter()
  events.forEach(counter.add)
  return counter.read()
}

test('is resolving until every image is known', () => {
  expect(tallyOf(resolve)).toMatchObject({ stage: 'resolving', title: 'x' })
  expect(tallyOf(resolve, { ...resolve, reference: 'y' }, resolved)).toMatchObject({
    stage: 'resolving',
    title: '2 images',
  })
  expect(tallyOf(resolve, resolved)).toMatchObject({ stage: 'downloading', total: 1000, layersTotal: 2 })
})

test('counts what arrives and what has arrived', () => {
  expect(
    tallyOf(
      resolve,
      resolved,
      { type: 'blob-start', digest: a, size: 400, received: 0 },
      { type: 'blob-start', digest: b, size: 600, received: 100 },
      { type: 'blob-progress', digest: b, size: 600, received: 250 },
      { type: 'blob-progress', digest: a, size: 400, received: 400 },
      { type: 'blob-done', digest: a, size: 400, cached: false },
    ),
  ).toMatchObject({
    received: 650,
    kept: 100,
    layersDone: 1,
    active: [{ digest: b, received: 250, size: 600 }],
  })
})

test('what was here before is received, kept, and no part of the rate', () => {
  const tally = tallyOf(resolve, resolved, { type: 'blob-done', digest: a, size: 400, cached: true })
  expect(tally).toMatchObject({ received: 400, kept: 400, layersDone: 1, rate: 0, timeLeft: undefined })
})

test('what was here before, and proved wrong, is kept no longer', () => {
  const start = { type: 'blob-start', digest: a, size: 400, received: 300 } as const
  const again = { type: 'blob-progress', digest: a, size: 400, received: 0 } as const
  expect(tallyOf(resolve, resolved, start)).toMatchObject({ received: 300, kept: 300 })
  expect(tallyOf(resolve, resolved, start, again)).toMatchObject({ received: 0, kept: 0 })
})

test('a blob that begins anew counts from there', () => {
  expect(
    tallyOf(
      resolve,
      resolved,
      { type: 'blob-start', digest: a, size: 400, received: 0 },
      { type: 'blob-progress', digest: a, size: 400, received: 300 },
      { type: 'blob-progress', digest: a, size: 400, received: 0 },
      { type: 'blob-progress', digest: a, size: 400, received: 10 },
    ),
  ).toMatchObject({ received: 10 })
})

test('ends with the archive', () => {
  expect(
    tallyOf(
      resolve,
      resolved,
      { type: 'blob-done', digest: a, size: 400, cached: true },
      { type: 'blob-done', digest: b, size: 600, cached: true },
    ),
  ).toMatchObject({ stage: 'archiving', received: 1000 })
})

test('knows rate and time left from the last seconds', () => {
  const counter = createCounter()
  counter.add(resolve)
  counter.add(resolved)
  counter.add({ type: 'blob-start', digest: a, size: 1000, received: 0 })
  for (let received = 100; received <= 500; received += 100) {
    vi.advanceTimersByTime(1000)
    counter.add({ type: 'blob-progress', digest: a, size: 1000, received })
  }
  expect(counter.read()).toMatchObject({ rate: 100, timeLeft: 5000 })
  vi.advanceTimersByTime(10_000)
  expect(counter.read()).toMatchObject({ rate: 0, timeLeft: undefined })
})
