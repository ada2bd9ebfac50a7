import { expect, test } from 'vitest'
import { createSpeedometer } from '../../../src/image/speedometer.ts'

/** A speedometer with a span of 1000 ms, read every 100 ms while so many bytes come each time. */
function readings(amounts: readonly number[], before: (step: number) => boolean = () => false) {
  let time = 0
  const speedometer = createSpeedometer(1000, () => time)
  return amounts.map((bytes, step) => {
    time += 100
    if (before(step)) speedometer.reset()
    return speedometer.add(bytes)
  })
}

const silent = (times: number) => Array<undefined>(times).fill(undefined)
const steady = (times: number, bytes = 50) => Array<number>(times).fill(bytes)

test('the speed is known once the span is over, in bytes per second', () => {
  expect(readings(steady(12))).toEqual([...silent(10), 500, 500])
})

test('how it began does not count', () => {
  expect(readings([...steady(6, 1), ...steady(6)]).at(-1)).toBe(500)
  expect(readings([...steady(6, 9999), ...steady(6)]).at(-1)).toBe(500)
})

test('the span begins with the first bytes after a reset, and what came before it does not count', () => {
  const speeds = readings([...steady(9, 9999), ...steady(12)], (step) => step === 9)
  expect(speeds).toEqual([...silent(19), 500, 500])
})

test('bytes that come all in one moment tell no speed', () => {
  const speedometer = createSpeedometer(1000, () => 0)
  expect([1, 2, 3].map((bytes) => speedometer.add(bytes))).toEqual(silent(3))
})
