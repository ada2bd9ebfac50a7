import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openJsonDisplay } from '../../../../src/cli/progress/json.ts'
import type { DisplayOptions } from '../../../../src/cli/progress/progress.ts'
import type { PullEvent } from '../../../../src/events.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { FakeStream } from '../../../support/fake-stream.ts'

const options: DisplayOptions = {
  mode: 'json',
  verbose: false,
  debug: false,
  colour: undefined,
  animate: true,
}
const digest = digestOf('')
const request: PullEvent = {
  type: 'request',
  method: 'GET',
  url: 'https://x/',
  status: 200,
  elapsed: 1,
  requestHeaders: { a: 'b' },
  responseHeaders: { c: 'd' },
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open(overrides: Partial<DisplayOptions> = {}) {
  const stream = new FakeStream()
  const display = openJsonDisplay(stream, { ...options, ...overrides })
  return { ...display, told: () => stream.lines.map((line) => JSON.parse(line)) }
}

test('tells each event as one object a line, with a version', () => {
  const { onEvent, warn, told } = open()
  onEvent({ type: 'resolve', reference: 'x' })
  onEvent({ type: 'blob-done', digest, size: 1, cached: true })
  warn('insecure')
  expect(told()).toEqual([
    { v: 1, type: 'resolve', reference: 'x' },
    { v: 1, type: 'blob-done', digest, size: 1, cached: true },
    { v: 1, type: 'warning', message: 'insecure' },
  ])
})

test.each([
  ['not at all by default', {}, []],
  [
    'without headers when verbose',
    { verbose: true },
    [{ v: 1, type: 'request', method: 'GET', url: 'https://x/', status: 200, elapsed: 1 }],
  ],
  ['whole with debug', { debug: true }, [{ v: 1, ...request }]],
])('tells requests %s', (_, overrides, lines) => {
  const { onEvent, told } = open(overrides)
  onEvent(request)
  expect(told()).toEqual(lines)
})

test.each([
  ['unless asked to', {}, []],
  ['with --verbose', { verbose: true }, [{ v: 1, type: 'note', message: 'by a mirror' }]],
])('keeps to itself which way was taken, %s', (_, overrides, lines) => {
  const { onEvent, told } = open(overrides)
  onEvent({ type: 'note', message: 'by a mirror' })
  expect(told()).toEqual(lines)
})

test('tells ten times a second how far a blob is, no more', () => {
  const { onEvent, told } = open()
  for (let received = 0; received < 1000; received += 1) {
    onEvent({ type: 'blob-progress', digest, size: 1000, received })
    onEvent({ type: 'blob-progress', digest: digestOf('other'), size: 1000, received })
    vi.advanceTimersByTime(1)
  }
  expect(told()).toHaveLength(20)
})
