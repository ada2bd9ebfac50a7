import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { watchForInterruption } from '../../../src/cli/interruption.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function watch() {
  const signals = new EventEmitter()
  const stdout = new EventEmitter()
  const giveUp = vi.fn()
  const exit = vi.fn()
  const interruption = watchForInterruption({ signals, stdout, giveUp, exit })
  return { signals, stdout, giveUp, exit, interruption }
}

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('%s aborts, and asks for exit code %d', (name, code) => {
    const { signals, interruption } = watch()
    expect(interruption.exitCode()).toBeUndefined()
    signals.emit(name)
    expect(interruption.signal.reason).toMatchObject({ code: 'ABORTED', message: `interrupted by ${name}` })
    expect(interruption.exitCode()).toBe(code)
  })

  test('leaves two seconds for cleaning up', () => {
    const { signals, giveUp } = watch()
    signals.emit('SIGTERM')
    vi.advanceTimersByTime(1999)
    expect(giveUp).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(giveUp).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'ABORTED' }), 143)
  })

  test('ends the process at once when it is the second', () => {
    const { signals, giveUp } = watch()
    signals.emit('SIGINT')
    signals.emit('SIGINT')
    expect(giveUp).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'ABORTED' }), 130)
  })

  test('ends the process soon after the cleaning up, whatever holds it', () => {
    const { signals, giveUp, exit, interruption } = watch()
    signals.emit('SIGINT')
    interruption.end()
    vi.advanceTimersByTime(150)
    expect(exit).toHaveBeenCalledExactlyOnceWith()
    expect(giveUp).not.toHaveBeenCalled()
  })

  test('is no longer listened to in the end', () => {
    const { signals, exit, interruption } = watch()
    interruption.end()
    vi.advanceTimersByTime(1000)
    expect(signals.eventNames()).toEqual([])
    expect(exit).not.toHaveBeenCalled()
  })
})

describe('stdout', () => {
  test.each([
    ['a reader that has gone', 'EPIPE', 'PIPE_CLOSED', 141],
    ['a full disk', 'ENOSPC', 'FILE', 7],
  ])('with %s aborts the pull', (_, systemCode, code, exitCode) => {
    const { stdout, interruption } = watch()
    stdout.emit('error', Object.assign(new Error(systemCode), { code: systemCode }))
    expect(interruption.signal.reason).toMatchObject({ code })
    expect(interruption.exitCode()).toBe(exitCode)
  })
})
