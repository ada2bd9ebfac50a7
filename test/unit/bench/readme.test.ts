import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatSummary } from '../../bench/markdown.ts'
import { plot } from '../../bench/plot.ts'
import { summarized } from '../../bench/scenarios.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const { scenarios } = JSON.parse(read('test/bench/results.json'))

test('the figures in the README are those that were measured', () => {
  const table = formatSummary(scenarios, summarized)
  expect(table.split('\n').length).toBe(summarized.length + 3)
  expect(read('README.md')).toContain(table)
})

test('the picture in the README is of what was measured', () => {
  expect(read('README.md')).toContain('(test/bench/results.svg)')
  expect(read('test/bench/results.svg')).toBe(plot(scenarios))
})
