import { expect, test } from 'vitest'
import { findWorse } from '../../bench/compare.ts'
import { type Run, summarize } from '../../bench/summarize.ts'
import type { ScenarioResults } from '../../bench/targets.ts'

test.for([
  ['the same', [1, 1, 1], 0],
  ['faster', [0.2, 0.2, 0.2], 0],
  ['slower within the spread', [1.3, 1.3, 1.3], 0],
  ['slower than the spread', [1.5, 1.5, 1.5], 1],
  ['slower once of three times', [1, 1, 9], 0],
] as const)('%s than the committed ratio: %j', ([, seconds, worse]) => {
  expect(findWorse(results([0.9, 1, 1.3]), results(seconds))).toHaveLength(worse)
})

test('a ratio without a spread may get a tenth worse', () => {
  const committed = results([1])
  expect(findWorse(committed, results([1.09]))).toEqual([])
  expect(findWorse(committed, results([1.11]))).toEqual(['pull: 1.11 × skopeo, was 1 (1 to 1)'])
})

test('what is not committed yet cannot be worse', () => {
  expect(findWorse({}, results([7]))).toEqual([])
})

test('what dray is not part of is not compared', () => {
  const alone = (seconds: number) => ({
    pull: { title: '', packed: 0, unpacked: 0, standings: summarize(new Map([['skopeo', [run(seconds)]]])) },
  })
  expect(findWorse(alone(1), alone(9))).toEqual([])
})

/** Of rounds in which dray took so long, and skopeo one second. */
function results(seconds: readonly number[]): ScenarioResults {
  const runs = new Map([
    ['dray', seconds.map(run)],
    ['skopeo', seconds.map(() => run(1))],
  ])
  return { pull: { title: 'pull', packed: 0, unpacked: 0, standings: summarize(runs) } }
}

function run(seconds: number): Run {
  return { seconds, cpuSeconds: 0, memory: 0, written: 0, fetched: 0 }
}
