import { describe, expect, test } from 'vitest'
import { chooseMode, type DisplayOptions, openDisplay } from '../../../../src/cli/progress/progress.ts'
import { FakeStream } from '../../../support/fake-stream.ts'

const options: DisplayOptions = {
  mode: 'auto',
  verbose: false,
  debug: false,
  colour: undefined,
  animate: true,
}
const terminal = new FakeStream({ isTTY: true })
const pipe = new FakeStream()
const noColumns = new FakeStream({ isTTY: true, columns: 0 })

describe('the mode', () => {
  test.each([
    ['auto on a terminal', {}, terminal, 'tty'],
    ['auto into a pipe', {}, pipe, 'plain'],
    ['auto on a terminal of no columns', {}, noColumns, 'plain'],
    ['auto in CI', { animate: false }, terminal, 'plain'],
    ['tty in CI, as it was asked for', { mode: 'tty', animate: false }, terminal, 'tty'],
    ['tty into a pipe', { mode: 'tty' }, pipe, 'plain'],
    ['tty on a terminal of no columns', { mode: 'tty' }, noColumns, 'plain'],
    ['plain on a terminal', { mode: 'plain' }, terminal, 'plain'],
    ['json', { mode: 'json' }, terminal, 'json'],
    ['none', { mode: 'none' }, terminal, 'none'],
  ] as const)('%s', (_, overrides, stream, mode) => {
    expect(chooseMode({ ...options, ...overrides }, stream)).toBe(mode)
  })
})

const request = {
  type: 'request',
  method: 'GET',
  url: 'https://x/',
  status: 200,
  elapsed: 100,
  requestHeaders: { accept: '*' },
  responseHeaders: {},
} as const

describe('requests', () => {
  test.each([
    ['are not shown', {}, []],
    ['are shown with --verbose', { verbose: true }, ['GET https://x/ 200 100 ms']],
    ['are shown even without progress', { verbose: true, mode: 'none' }, ['GET https://x/ 200 100 ms']],
    ['have headers with --debug', { debug: true }, ['GET https://x/ 200 100 ms', '  > accept: *']],
  ] as const)('%s', async (_, overrides, lines) => {
    const stream = new FakeStream()
    const display = await openDisplay({ ...options, ...overrides }, stream)
    display.onEvent(request)
    display.stop()
    expect(stream.lines).toEqual(lines)
  })
})

test.each([
  ['is not told', {}, []],
  ['is told with --verbose', { verbose: true }, ['by a \\u{1b}mirror']],
  ['is told with --debug, also without progress', { debug: true, mode: 'none' }, ['by a \\u{1b}mirror']],
] as const)('which way was taken %s', async (_, overrides, lines) => {
  const stream = new FakeStream()
  const display = await openDisplay({ ...options, ...overrides }, stream)
  display.onEvent({ type: 'note', message: 'by a \u001bmirror' })
  display.stop()
  expect(stream.lines).toEqual(lines)
})

test('none keeps to itself what happens, and says what must be seen', async () => {
  const stream = new FakeStream()
  const display = await openDisplay({ ...options, mode: 'none' }, stream)
  display.onEvent({ type: 'warning', message: 'it rains' })
  display.onEvent({ type: 'archive-done', path: '/x', size: 1 })
  display.warn('insecure')
  expect(stream.lines).toEqual(['warning: insecure'])
})
