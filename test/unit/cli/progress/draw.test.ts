import { Chalk } from 'chalk'
import { describe, expect, test } from 'vitest'
import { canDrawOn, describeTally, draw } from '../../../../src/cli/progress/draw.ts'
import type { Tally } from '../../../../src/cli/progress/tally.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { FakeStream } from '../../../support/fake-stream.ts'

const chalk = new Chalk({ level: 0 })
const tally: Tally = {
  stage: 'downloading',
  title: 'docker.io/library/nginx:alpine',
  received: 12_300_000,
  total: 45_600_000,
  kept: 0,
  layersDone: 3,
  layersTotal: 7,
  rate: 4_100_000,
  timeLeft: 8000,
  active: [],
}
const blob = (name: string) => ({ digest: digestOf(name), size: 10_000_000, received: 4_300_000 })
const blobs = Array.from({ length: 10 }, (_, i) => blob(String(i)))

describe('the total line', () => {
  test.each([
    [
      'downloading',
      tally,
      'docker.io/library/nginx:alpine  12.3 MB of 45.6 MB  3/7 layers  4.1 MB/s  8 s left',
    ],
    [
      'with bytes from before',
      { ...tally, kept: 1_200_000 },
      expect.stringMatching(/8 s left {2}1\.2 MB from before$/),
    ],
    ['stalled', { ...tally, rate: 0, timeLeft: undefined }, expect.stringMatching(/3\/7 layers {2}0 B\/s$/)],
    [
      'waiting for a first byte',
      { ...tally, rate: 0, timeLeft: undefined, active: [blob('x')] },
      expect.stringMatching(/3\/7 layers {2}waiting for the server$/),
    ],
    ['resolving', { ...tally, stage: 'resolving' as const }, 'docker.io/library/nginx:alpine  looking it up'],
    [
      'archiving',
      { ...tally, stage: 'archiving' as const },
      'docker.io/library/nginx:alpine  45.6 MB  finishing the archive',
    ],
  ])('%s', (_, state, line) => {
    expect(describeTally(state)).toEqual(line)
  })
})

test('each blob that arrives has a line with its short digest', () => {
  const [, line] = draw({ ...tally, active: [blob('x')] }, { columns: 80, rows: 24, chalk }).split('\n')
  expect(line).toBe('  2d711642b726 [========>           ]  43%  4.3 MB of 10.0 MB')
})

test.each([
  [24, 6],
  [10, 6],
  [7, 3],
  [4, 0],
  [1, 0],
])('in %d rows there is room for %d blobs', (rows, lines) => {
  expect(draw({ ...tally, active: blobs }, { columns: 80, rows, chalk }).split('\n')).toHaveLength(1 + lines)
})

test.each([20, 40, 80])('no line is wider than %d columns, the spinner included', (columns) => {
  const [first = '', ...others] = draw({ ...tally, active: blobs }, { columns, rows: 24, chalk }).split('\n')
  expect(first.length).toBeLessThan(columns - 2)
  for (const line of others) expect(line.length).toBeLessThan(columns)
})

test.each([
  [true, 80, true],
  [true, 20, true],
  [true, 19, false],
  [true, 0, false],
  [false, 80, false],
])('terminal: %s, columns: %d, can be drawn on: %s', (isTTY, columns, expected) => {
  expect(canDrawOn(new FakeStream({ isTTY, columns }))).toBe(expected)
})
