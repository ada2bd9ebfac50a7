import { expect, test } from 'vitest'
import { freeMemory } from '../../../src/streams/free-memory.ts'

const megabyte = 1024 * 1024

test('what was freed is empty, at once', () => {
  const buffers = [Buffer.alloc(megabyte, 1), Buffer.from(Buffer.alloc(megabyte, 2))]
  freeMemory(buffers)
  expect(buffers.map(({ length }) => length)).toEqual([0, 0])
})

test('its memory is used again, though no garbage is collected', () => {
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 2000; i++) freeMemory([Buffer.alloc(megabyte, i)])
  expect(process.memoryUsage.rss() - before).toBeLessThan(500 * megabyte)
})

test('what shares its memory with others is left alone, and counted', () => {
  const whole = Buffer.alloc(megabyte, 1)
  const pooled = Buffer.from('a few bytes')
  const shared = Buffer.from(new SharedArrayBuffer(8))
  expect(freeMemory([whole.subarray(1), pooled, shared, Buffer.alloc(megabyte)])).toBe(
    megabyte - 1 + pooled.length + shared.length,
  )
  expect([whole.length, pooled.toString(), shared.length]).toEqual([megabyte, 'a few bytes', 8])
})

test('nothing to free is no mistake, as often as it comes', async () => {
  freeMemory([])
  await new Promise(setImmediate)
  const buffer = Buffer.alloc(megabyte)
  freeMemory([buffer, Buffer.alloc(0)])
  expect(buffer.length).toBe(0)
})
