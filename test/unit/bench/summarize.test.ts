import { expect, test } from 'vitest'
import { type Run, summarize } from '../../bench/summarize.ts'

const run = (seconds: number, more: Partial<Run> = {}): Run => ({
  seconds,
  cpuSeconds: seconds * 2,
  memory: 1,
  written: 1,
  fetched: 1,
  ...more,
})

test('ratios are those of the runs of one round, whatever the noise between rounds', () => {
  const { dray } = summarize(
    new Map([
      ['dray', [run(1), run(10), run(3)]],
      ['skopeo', [run(2), run(20), run(4)]],
    ]),
  )
  expect(dray?.seconds).toEqual({ median: 3, min: 1, max: 10 })
  expect(dray?.ratios).toEqual({ skopeo: { median: 0.5, min: 0.5, max: 0.75 } })
})

test('memory and fetched bytes are the most of all runs, the rest are medians', () => {
  const runs = [run(1, { memory: 9, written: 7 }), run(2, { fetched: 5 }), run(9)]
  expect(summarize(new Map([['dray', runs]])).dray).toMatchObject({
    cpuSeconds: 4,
    memory: 9,
    written: 1,
    fetched: 5,
  })
})

test('the median of two is between them', () => {
  expect(summarize(new Map([['dray', [run(1), run(2)]]])).dray?.seconds.median).toBe(1.5)
})
