import type { IdleSlots } from './idle-slots.ts'
import type { PiecesAhead } from './pieces-ahead.ts'
import { createSpeedometer } from './speedometer.ts'

export interface ScoutOptions {
  /** Of the blob, in bytes. */
  readonly size: number
  /** How long it took until the first bytes came, in milliseconds. */
  readonly latency: number
  readonly slots: IdleSlots
  /** Begins to fetch pieces from an offset on, in a slot that has been taken, where a connection is as fast as this. */
  readonly fetchAhead: (from: number, speed: number) => PiecesAhead
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

/** In milliseconds: how long one connection is watched, then two of them, and how long there must still be to go. */
const watch = 1000
const trial = 400
const longEnough = 2000
/** Bytes per second; a connection this fast is not what holds a pull up. */
const fastEnough = 120_000_000

/** How much more must come by several connections than by one, or it is not worth their requests. */
export const leastGain = 1.25

export function createScout({ size, latency, slots, fetchAhead, now }: ScoutOptions): Scout {
  const speedometer = createSpeedometer(watch, now)
  let verdict: Scout['verdict'] = 'open'
  let ahead: PiecesAhead | undefined
  let speed = 0
  let mark: { readonly time: number; readonly bytes: number } | undefined

  const begin = (position: number) => {
    const from = position + Math.ceil((speed * (2 * latency + 2 * trial)) / 1000)
    if (speed >= fastEnough || size - from < (speed * longEnough) / 1000) verdict = 'not now'
    else if (slots.take()) ahead = fetchAhead(from, speed)
  }
  const judge = ({ problem, received, isFull, from }: PiecesAhead, position: number) => {
    if (problem) return problem === 'refused' ? 'never' : 'not now'
    const bytes = position + received
    if (received > 0) mark ??= { time: now(), bytes }
    const elapsed = mark ? now() - mark.time : 0
    if (mark && elapsed > 0 && (elapsed >= trial || isFull)) {
      return ((bytes - mark.bytes) / elapsed) * 1000 >= speed * leastGain ? 'split' : 'never'
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
