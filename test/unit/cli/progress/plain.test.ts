import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openPlainDisplay } from '../../../../src/cli/progress/plain.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { FakeStream } from '../../../support/fake-stream.ts'

const digest = digestOf('')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('says a line for each event that a log wants', () => {
  const stream = new FakeStream()
  const { onEvent, warn, stop } = openPlainDisplay(stream)
  warn('insecure')
  onEvent({ type: 'resolve', reference: 'x' })
  onEvent({ type: 'resolved', reference: 'x', digest, platform: 'linux/amd64', layers: 1, size: 10 })
  onEvent({ type: 'blob-start', digest, size: 10, received: 0 })
  onEvent({ type: 'blob-progress', digest, size: 10, received: 10 })
  onEvent({ type: 'blob-done', digest, size: 10, cached: false })
  onEvent({ type: 'archive-done', path: '/x.tar', size: 20 })
  stop()
  expect(stream.lines).toEqual([
    'warning: insecure',
    `x: linux/amd64, 1 layer, 10 B, ${digest}`,
    'e3b0c44298fc: done, 10 B',
    '/x.tar: done, 20 B',
  ])
  expect(stream.text).not.toMatch(/[\r\u001b]/)
})

test('is never silent for more than ten seconds', () => {
  const stream = new FakeStream()
  const { onEvent, stop } = openPlainDisplay(stream)
  onEvent({ type: 'resolve', reference: 'x' })
  vi.advanceTimersByTime(10_000)
  expect(stream.lines).toEqual(['x  looking it up'])

  vi.advanceTimersByTime(9_000)
  onEvent({ type: 'resolved', reference: 'x', digest, platform: 'linux/amd64', layers: 1, size: 10 })
  vi.advanceTimersByTime(9_999)
  expect(stream.lines).toHaveLength(2)
  vi.advanceTimersByTime(1)
  expect(stream.lines.at(-1)).toBe('x  0 B of 10 B  0/1 layers  0 B/s')
  vi.advanceTimersByTime(20_000)
  expect(stream.lines).toHaveLength(5)
  onEvent({ type: 'blob-start', digest, size: 10, received: 0 })
  vi.advanceTimersByTime(10_000)
  expect(stream.lines.at(-1)).toBe('x  0 B of 10 B  0/1 layers  waiting for the server')
  stop()
})

test('says nothing after it was stopped', () => {
  const stream = new FakeStream()
  openPlainDisplay(stream).stop()
  vi.advanceTimersByTime(60_000)
  expect(stream.text).toBe('')
})
