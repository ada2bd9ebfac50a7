import type { EventEmitter } from 'node:events'
import { DrayError, systemErrorCode } from '../errors.ts'
import { fileError } from '../streams/file-error.ts'
import { exitCodeFor } from './exit-codes.ts'

export interface InterruptionContext {
  /** The process, or what stands in for it. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>
  readonly stdout: Pick<EventEmitter, 'on'>
  /** What to tell whoever interrupted. */
  readonly hint?: string | undefined
  /** Ends the process: cleaning up takes too long, or a second signal came. */
  readonly giveUp: (reason: DrayError, exitCode: number) => void
  /** Ends the process although something still holds it, when there is nothing left to say. */
  readonly exit: () => void
}

/** What came from outside to end the pull early. */
export interface Interruption {
  /** Aborted with a DrayError. */
  readonly signal: AbortSignal
  /** Which exit code the interruption asks for; undefined while there was none. */
  exitCode(): number | undefined
  /** Stops listening to signals. After an interruption the process ends soon, whatever still holds it. */
  end(): void
}

const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * Milliseconds for cleaning up, which takes a few unless the machine is busy, then for handles to close. Whoever cannot wait
 * interrupts once more.
 */
const patience = 2000
const lastPatience = 100

/** Turns signals, and a reader of stdout that has gone, into an abort. */
export function watchForInterruption(context: InterruptionContext): Interruption {
  const { signals, stdout, hint, giveUp, exit } = context
  const controller = new AbortController()
  let exitCode: number | undefined
  let deadline: NodeJS.Timeout | undefined

  function interrupt(code: number, reason: DrayError): void {
    if (deadline) giveUp(reason, exitCode ?? code)
    exitCode ??= code
    deadline ??= setTimeout(() => giveUp(reason, code), patience)
    controller.abort(reason)
  }
  const listeners = Object.entries(signalExitCodes).map(([name, code]) => {
    return [
      name,
      () => interrupt(code, new DrayError('ABORTED', `interrupted by ${name}`, { hint })),
    ] as const
  })
  const onStdoutError = (cause: unknown) => {
    const reason = stdoutError(cause)
    if (!deadline) interrupt(exitCodeFor(reason), reason)
  }

  for (const [name, listener] of listeners) signals.on(name, listener)
  stdout.on('error', onStdoutError)
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    end() {
      for (const [name, listener] of listeners) signals.off(name, listener)
      if (!deadline) return
      clearTimeout(deadline)
      setTimeout(exit, lastPatience).unref()
    },
  }
}

/** What a failed write to stdout means: mostly that `| head` has read enough. */
export function stdoutError(cause: unknown): DrayError {
  const closed = ['EPIPE', 'EOF', 'ERR_STREAM_DESTROYED'].includes(systemErrorCode(cause) ?? '')
  return closed
    ? new DrayError('PIPE_CLOSED', 'the reader closed the pipe', { cause })
    : fileError('write to stdout', cause)
}
