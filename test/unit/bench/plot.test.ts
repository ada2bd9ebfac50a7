import { expect, test } from 'vitest'
import { plot } from '../../bench/plot.ts'
import { summarize } from '../../bench/summarize.ts'

const run = (seconds: number) => ({ seconds, cpuSeconds: 0, memory: 0, written: 0, fetched: 0 })
const standings = summarize(
  new Map([
    ['dray', [run(1)]],
    ['crane & <co>', [run(4)]],
  ]),
)
const results = { pull: { title: 'a pull, `fast`', packed: 0, unpacked: 0, standings } }

test('a bar is as long as its time, and says whose it is', () => {
  const svg = plot(results, ['pull', 'not measured'])
  const lengths = [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map(([, length]) => Number(length))
  expect(lengths).toHaveLength(2)
  expect(Number(lengths[1]) / Number(lengths[0])).toBeCloseTo(4, 1)
  expect(svg).toContain('>crane &amp; &lt;co></text>')
  expect(svg).toContain('>a pull, fast</text>')
  expect(svg).toContain('>4.00 s</text>')
})

test('it is readable on light and dark pages', () => {
  expect(plot(results, ['pull'])).toContain('prefers-color-scheme:dark')
})
