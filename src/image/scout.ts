import type { IdleSlots } from './idle-slots.ts'
import type { PiecesAhead } from './pieces-ahead.ts'
import { createSpeedometer } from './speedometer.ts'

export interface ScoutOptions {
  /** Of the blob, in bytes. */
  readonly size: number
  /** How long it took until the first bytes came, in milliseconds. */
  readonly latency: number
  readonly slots: IdleSlots
  /** Begins to fetch pieces from an offset on, in a slot that has been taken, the first of this size. */
  readonly fetchAhead: (from: number, trialSize: number, speed: number) => PiecesAhead
  /** In milliseconds. */
  readonly now: () => number
}

/**
 * Finds out, while one connection brings a blob, whether others would make it faster: tries one more, and sees whether the
 * two bring more than the one alone.
 */
export interface Scout {
  /** What to think of it by now; `never` holds for other blobs from there, too. */
  readonly verdict: 'open' | 'split' | 'not now' | 'never'
  /** What it has tried. */
  readonly ahead: PiecesAhead | undefined
  /** Of one connection, in bytes per second. */
  readonly speed: number
  /** So many bytes came; the blob is there up to `position`. */
  arrived(bytes: number, position: number): void
  /** We were the slow ones: what was measured tells nothing. */
  heldUp(): void
}

/** In milliseconds: how long one connection is watched, and how long there must still be to go. */
const watch = 600
const longEnough = 3000
/** What comes by the second connection comes twice when it does not pay: long enough to be measured, little beside the rest. */
const leastTrial = 100
const partOfRest = 1 / 64
const mostTrial = 4 * 1024 * 1024
/** How much later than it should a trial may be over, in milliseconds. */
const slack = 300
/** Bytes per second; a connection this fast is not what holds a pull up. */
const fastEnough = 120_000_000

/** How much more must come by several connections than by one, or it is not worth their requests. */
export const leastGain = 1.25

export function createScout({ size, latency, slots, fetchAhead, now }: ScoutOptions): Scout {
  const speedometer = createSpeedometer(watch + 4 * latency, now)
  let verdict: Scout['verdict'] = 'open'
  let ahead: PiecesAhead | undefined
  let speed = 0
  let mark: { readonly time: number; readonly bytes: number } | undefined

  const begin = (position: number) => {
    const most = Math.min(mostTrial, (size - position) * partOfRest)
    const trialSize = Math.ceil(Math.max(most, (speed * leastTrial) / 1000))
    const from = position + trialSize + Math.ceil((speed * (2 * latency + slack)) / 1000)
    if (speed >= fastEnough || size - from < (speed * longEnough) / 1000) verdict = 'not now'
    else if (slots.take()) ahead = fetchAhead(from, trialSize, speed)
  }
  const judge = ({ problem, received, isIdle, from }: PiecesAhead, position: number) => {
    if (problem) return problem === 'refused' ? 'never' : 'not now'
    const [time, bytes] = [now(), position + received]
    if (received > 0) mark ??= { time, bytes }
    if (isIdle && mark && time > mark.time) {
      return ((bytes - mark.bytes) / (time - mark.time)) * 1000 >= speed * leastGain ? 'split' : 'never'
    }
    return position >= from ? 'not now' : 'open'
  }
  return {
    get verdict() {
      return verdict
    },
    get ahead() {
      return ahead
    },
    get speed() {
      return speed
    },
    arrived(bytes, position) {
      if (verdict !== 'open') return
      if (ahead) {
        verdict = position > ahead.from ? 'not now' : judge(ahead, position)
      } else if (slots.count === 0) {
        speedometer.reset()
      } else {
        speed = speedometer.add(bytes) ?? 0
        if (speed > 0) begin(position)
      }
    },
    heldUp() {
      speedometer.reset()
      mark = undefined
    },
  }
}
