import { expect, test } from 'vitest'
import { DrayError, type ErrorCode } from '../../../src/errors.ts'
import type { PullEvent } from '../../../src/events.ts'
import { tellWhatIsKept } from '../../../src/image/tell-what-is-kept.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const [digest, other] = [digestOf('a'), digestOf('b')]
const kept = 'what has arrived is kept: the same command goes on from there'
const start = (received: number): PullEvent => ({ type: 'blob-start', digest, size: 9, received })
const progress = (received: number): PullEvent => ({ type: 'blob-progress', digest, size: 9, received })

function hintAfter(events: readonly PullEvent[], code: ErrorCode, hint?: string): string | undefined {
  const arrivals = tellWhatIsKept(() => {})
  for (const event of events) arrivals.onEvent(event)
  return (arrivals.explain(new DrayError(code, 'it failed', { hint })) as DrayError).hint
}

test.each<[string, readonly PullEvent[], ErrorCode, string | undefined, string | undefined]>([
  ['some of a blob', [start(0), progress(5)], 'NETWORK', undefined, kept],
  ['some of it before', [start(5)], 'NETWORK', 'check the port', `check the port; ${kept}`],
  ['some, and a limit reached', [progress(5)], 'RATE_LIMITED', 'wait', `wait; ${kept}`],
  [
    'some, with lines about mirrors',
    [progress(5)],
    'NETWORK',
    'wait\nm.io failed',
    `wait; ${kept}\nm.io failed`,
  ],
  ['nothing', [start(0)], 'NETWORK', 'wait', 'wait'],
  ['something that proved wrong', [progress(5), progress(0)], 'NETWORK', undefined, undefined],
  ['some, but it was wrong', [progress(5)], 'INTEGRITY', undefined, undefined],
  [
    'what was there already',
    [{ type: 'blob-done', digest: other, size: 9, cached: true }],
    'NETWORK',
    undefined,
    undefined,
  ],
])('%s: says what is true of it', (_, events, code, hint, expected) => {
  expect(hintAfter(events, code, hint)).toBe(expected)
})

test('events go on to whoever is told', () => {
  const told: PullEvent[] = []
  tellWhatIsKept((event) => told.push(event)).onEvent(start(0))
  expect(told).toEqual([start(0)])
})

test('a bug stays one', () => {
  const arrivals = tellWhatIsKept(() => {})
  arrivals.onEvent(progress(5))
  const bug = new TypeError('x is undefined')
  expect(arrivals.explain(bug)).toBe(bug)
})
