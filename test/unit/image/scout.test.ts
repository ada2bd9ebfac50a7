import { expect, test } from 'vitest'
import { createIdleSlots } from '../../../src/image/idle-slots.ts'
import type { PiecesAhead } from '../../../src/image/pieces-ahead.ts'
import { createScout, type Verdict } from '../../../src/image/scout.ts'

const megabyte = 1_000_000

interface Journey {
  /** Bytes per second of the body: alone, and while there is a trial. */
  readonly alone?: number
  readonly beside?: number
  /** Of the trial. */
  readonly trial?: number
  readonly size?: number
  readonly idle?: number
  /** In milliseconds, until the trial brings its first bytes. */
  readonly delay?: number
  readonly problem?: PiecesAhead['problem']
  /** When the disk holds us up, in milliseconds. */
  readonly heldUp?: (time: number, isTrying: boolean) => boolean
}

/** What a scout says of a blob, of which something comes every 10 ms for up to ten seconds. */
function send({ alone = 10 * megabyte, ...journey }: Journey) {
  const { beside = alone, trial = alone, size = 500 * megabyte, idle = 3, delay = 20, problem } = journey
  const slots = createIdleSlots()
  for (let i = 0; i < idle; i++) slots.give()
  let time = 0
  let position = 0
  let tried: { readonly time: number; readonly from: number; readonly size: number } | undefined
  const fetchAhead = (from: number, trialSize: number): PiecesAhead => {
    const begun = time
    tried = { time, from, size: trialSize }
    const received = () => Math.min(trialSize, Math.max(0, ((time - begun - delay) / 1000) * trial))
    return {
      from,
      problem,
      get received() {
        return received()
      },
      get isIdle() {
        return received() === trialSize
      },
      goOn() {},
      lend() {},
      async *bytes() {},
      stop: () => Promise.resolve(),
    }
  }
  const scout = createScout({ size, latency: 20, slots, fetchAhead, now: () => time })
  let verdict: Verdict = 'open'
  while (verdict === 'open' && time < 10_000 && position < size) {
    time += 10
    const bytes = ((tried ? beside : alone) * 10) / 1000
    position += bytes
    if (journey.heldUp?.(time, tried !== undefined)) scout.heldUp()
    verdict = scout.arrived(bytes, position)
  }
  return { verdict, tried, time, speed: scout.speed }
}

test.each<[string, Journey, Verdict]>([
  ['each connection is slow', {}, 'split'],
  ['each is slow, and the second takes its time to begin', { delay: 200 }, 'split'],
  ['each is slow, and the second comes in one burst', { delay: 150, trial: 1e9 }, 'split'],
  ['two bring half more than one', { beside: 7.5 * megabyte, trial: 7.5 * megabyte }, 'split'],
  ['two bring an eighth more than one', { beside: 5.6 * megabyte, trial: 5.6 * megabyte }, 'not now'],
  ['they share what there is', { beside: 5 * megabyte, trial: 5 * megabyte }, 'not now'],
  ['the second takes what the first had', { beside: megabyte, trial: 9 * megabyte }, 'not now'],
  ['the second brings nothing', { trial: 0 }, 'not now'],
  ['the second comes too late', { delay: 5000 }, 'not now'],
  ['the second is refused', { problem: 'refused' }, 'refused'],
  ['the second breaks off', { problem: 'broken' }, 'not now'],
  ['the disk holds up the trial', { heldUp: (_, isTrying) => isTrying }, 'not now'],
])('where %s, one more connection is tried', (_, journey, verdict) => {
  const { verdict: found, tried } = send(journey)
  expect(found).toBe(verdict)
  expect(tried).toBeDefined()
})

test.each<[string, Journey, Verdict]>([
  ['no slot is idle', { idle: 0 }, 'open'],
  ['the disk is the slow one', { heldUp: () => true }, 'open'],
  ['one connection is fast', { alone: 125 * megabyte, size: 5000 * megabyte }, 'not now'],
  ['the blob will be there soon', { size: 30 * megabyte }, 'not now'],
])('where %s, nothing is tried', (_, journey, verdict) => {
  const { verdict: found, tried } = send(journey)
  expect(found).toBe(verdict)
  expect(tried).toBe(undefined)
})

test('the speed of one connection is measured as it is, anew after the disk held it up', () => {
  const { speed, tried } = send({ heldUp: (time) => time === 300 })
  expect(speed).toBeCloseTo(10 * megabyte, -5)
  expect(tried?.time).toBeGreaterThan(600)
})

test.each([
  [100 * megabyte, 1 * megabyte],
  [200 * megabyte, 200 * megabyte * (1 / 128)],
  [5000 * megabyte, 2 * 1024 * 1024],
])('of %i bytes, what is tried is little: %i, beyond what comes meanwhile', (size, most) => {
  const { tried } = send({ size })
  expect(tried?.size).toBeGreaterThanOrEqual(megabyte)
  expect(tried?.size).toBeLessThanOrEqual(most + 1)
  expect(tried?.from).toBeGreaterThan((((tried?.time ?? 0) + 300) / 1000) * 10 * megabyte)
})
