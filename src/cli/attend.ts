import { exitCodeFor } from './exit-codes.ts'
import { stdoutError, watchForInterruption } from './interruption.ts'
import type { Options } from './options.ts'
import type { Display } from './progress/display.ts'
import { reportError } from './report-error.ts'
import type { Surroundings } from './surroundings.ts'

export interface Attendance {
  readonly options: Options
  readonly display: Display
  readonly surroundings: Surroundings
  /** What to tell whoever interrupts. */
  readonly hint?: string | undefined
}

/**
 * Does the work of a command, and resolves to its exit code, which is what the work resolves to. An error is told; an
 * interruption aborts the signal, and ends the process when that is not heard.
 */
export async function attend(
  { options, display, surroundings, hint }: Attendance,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const { exit } = surroundings
  const fail = (error: unknown, exitCode: number) => {
    display.stop()
    reportError(error, { ...options.display, json: options.json, exitCode }, surroundings)
    return exitCode
  }
  const giveUp = (reason: unknown, exitCode: number) => exit(fail(reason, exitCode))
  const interruption = watchForInterruption({ ...surroundings, hint, giveUp })
  try {
    return await work(interruption.signal)
  } catch (error) {
    return fail(error, interruption.exitCode() ?? exitCodeFor(error))
  } finally {
    interruption.end()
  }
}

/** Writes a result, and waits until it is out. Rejects with PIPE_CLOSED or FILE. */
export async function writeResult(stdout: Surroundings['stdout'], text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => (error ? reject(stdoutError(error)) : resolve()))
  })
}
