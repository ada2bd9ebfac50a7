import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openTerminalDisplay } from '../../../../src/cli/progress/terminal.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { FakeStream } from '../../../support/fake-stream.ts'

const digest = digestOf('')
const cyan = '\u001b[36m'
const dim = '\u001b[2m'
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open({ colour = false, columns = 80 } = {}) {
  const stream = new FakeStream({ isTTY: true, columns })
  const display = openTerminalDisplay(stream, { colour })
  const events = {
    resolve: () => display.onEvent({ type: 'resolve', reference: 'x:1' }),
    resolved: () =>
      display.onEvent({ type: 'resolved', reference: 'x:1', digest, platform: 'y', layers: 1, size: 100 }),
    progress: (received: number) => display.onEvent({ type: 'blob-progress', digest, size: 100, received }),
  }
  return { stream, display, ...events }
}

test('shows the total and the blobs, and goes without a trace', () => {
  const { stream, display, resolve, resolved, progress } = open()
  resolve()
  expect(stream.text).toContain('x:1  looking it up')
  resolved()
  progress(50)
  vi.advanceTimersByTime(300)
  expect(stream.text).toContain('x:1  50 B of 100 B  0/1 layers')
  expect(stream.text).toContain('e3b0c44298fc [==========>         ]  50%')

  display.stop()
  const end = stream.text.length
  expect(stream.text.endsWith(`<clear>${showCursor}`)).toBe(true)
  resolve()
  vi.advanceTimersByTime(1000)
  expect(stream.text.length).toBe(end)
})

test('hides the cursor only as long as it draws', () => {
  const { stream, display, resolve } = open()
  expect(stream.text).toBe('')
  resolve()
  expect(stream.text.indexOf(hideCursor)).toBe(0)
  display.stop()
  display.stop()
  expect(stream.text.split(showCursor)).toHaveLength(2)
})

test('retries and warnings stay above the progress', () => {
  const { stream, display, resolve } = open()
  resolve()
  display.onEvent({
    type: 'retry',
    what: 'blob',
    reason: 'connection reset',
    attempt: 2,
    attempts: 6,
    delay: 4000,
  })
  display.warn('insecure')
  display.stop()
  expect(stream.text).toMatch(/<clear>blob: retrying in 4 s \(2\/6\): connection reset\n/)
  expect(stream.text).toMatch(/<clear>warning: insecure\n/)
})

test.each([true, false])('colour is as it was decided: %s', (colour) => {
  const { stream, display, resolve, resolved, progress } = open({ colour })
  resolve()
  resolved()
  progress(50)
  vi.advanceTimersByTime(300)
  display.stop()
  expect(stream.text.includes(dim)).toBe(colour)
  if (!colour) expect(stream.text).not.toContain(cyan)
})

test('stops before it draws on a terminal that has lost its columns', () => {
  const { stream, display, resolve } = open()
  resolve()
  stream.columns = 0
  stream.emit('resize')
  const end = stream.text.length
  vi.advanceTimersByTime(1000)
  display.onEvent({ type: 'resolve', reference: 'y' })
  expect(stream.text.length).toBe(end)
})

test('leaves the keyboard, and Ctrl-C with it, to others', () => {
  const { isTTY, setRawMode } = process.stdin
  const spy = vi.fn()
  Object.assign(process.stdin, { isTTY: true, setRawMode: spy })
  const { display, resolve } = open()
  resolve()
  display.stop()
  Object.assign(process.stdin, { isTTY, setRawMode })
  expect(spy).not.toHaveBeenCalled()
})
