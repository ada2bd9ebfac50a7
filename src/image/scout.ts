import type { IdleSlots } from './idle-slots.ts'
import type { PiecesAhead } from './pieces-ahead.ts'
import { createSpeedometer } from './speedometer.ts'

export interface ScoutOptions {
  /** Of the blob, in bytes. */
  readonly size: number
  /** How long it took until the first bytes came, in milliseconds. */
  readonly latency: number
  readonly slots: IdleSlots
  /** Begins to fetch pieces from an offset on, in an idle slot, the first of this size. */
  readonly fetchAhead: (from: number, trialSize: number, speed: number) => PiecesAhead
  /** In milliseconds. */
  readonly now: () => number
}

/** `refused` holds for other blobs from there, too; there is no `split` without pieces. */
export type Verdict = 'open' | 'not now' | 'refused' | 'split'

/**
 * Finds out, while one connection brings a blob, whether others would make it faster: tries one more, and sees whether the
 * two bring more than the one alone.
 */
export interface Scout {
  /** What it has tried. */
  readonly ahead: PiecesAhead | undefined
  /** Of one connection, in bytes per second. */
  readonly speed: number
  /** So many bytes came; the blob is there up to `position`. What to think of it by now. */
  arrived(bytes: number, position: number): Verdict
  /** We were the slow ones: what was measured tells nothing. */
  heldUp(): void
}

/** In milliseconds: how long one connection is watched, and how long there must still be to go. */
const watch = 300
const longEnough = 3000
/** What comes by the second connection comes twice when it does not pay: little beside the rest, but enough to be measured. */
const leastTrial = 100
const partOfRest = 1 / 128
const mostTrial = 2 * 1024 * 1024
/** How much later than it should a trial may be over, in milliseconds. */
const slack = 300
/** Bytes per second; a connection this fast is not what holds a pull up. */
const fastEnough = 120_000_000

/** How much more must come by several connections than by one, or it is not worth their requests. */
export const leastGain = 1.25

export function createScout({ size, latency, slots, fetchAhead, now }: ScoutOptions): Scout {
  const speedometer = createSpeedometer(watch + 4 * latency, now)
  let ahead: PiecesAhead | undefined
  let speed = 0
  let isSpoilt = false
  let begun = { time: 0, position: 0 }

  const begin = (position: number): Verdict => {
    const most = Math.min(mostTrial, (size - position) * partOfRest)
    const trialSize = Math.ceil(Math.max(most, (speed * leastTrial) / 1000))
    const from = position + trialSize + Math.ceil((speed * (2 * latency + slack)) / 1000)
    if (speed >= fastEnough || size - from < (speed * longEnough) / 1000) return 'not now'
    begun = { time: now(), position }
    ahead = fetchAhead(from, trialSize, speed)
    return 'open'
  }
  const judge = ({ problem, received, isIdle, from }: PiecesAhead, position: number): Verdict => {
    if (problem) return problem === 'refused' ? 'refused' : 'not now'
    if (isSpoilt || position > from) return 'not now'
    if (!isIdle) return 'open'
    const together = ((position - begun.position + received) / (now() - begun.time)) * 1000
    return together >= speed * leastGain ? 'split' : 'not now'
  }
  return {
    get ahead() {
      return ahead
    },
    get speed() {
      return speed
    },
    arrived(bytes, position) {
      if (ahead) return judge(ahead, position)
      if (slots.count === 0) speedometer.reset()
      else speed = speedometer.add(bytes) ?? 0
      return speed > 0 ? begin(position) : 'open'
    },
    heldUp() {
      speedometer.reset()
      isSpoilt = ahead !== undefined
    },
  }
}
