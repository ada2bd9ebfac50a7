import { isDrayError } from '../errors.ts'
import { exitCodeFor } from './exit-codes.ts'
import { describeError, explainError } from './explain-error.ts'
import type { ProgressMode } from './progress/progress.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'

export interface ReportOptions {
  /** On stdout as well, as the one JSON object that was promised there. */
  readonly json: boolean
  readonly debug: boolean
  /** `json`: an event on stderr in place of text. */
  readonly mode: ProgressMode
  readonly exitCode: number
}

/** Tells the user what kept the command line `argv` from being run, and gives the exit code for it. */
export function reportFailure(
  error: unknown,
  argv: readonly string[],
  streams: Pick<Surroundings, 'stdout' | 'stderr'>,
): number {
  const exitCode = exitCodeFor(error)
  const [json, debug] = [argv.includes('--json'), argv.includes('--debug')]
  reportError(error, { json, debug, mode: 'auto', exitCode }, streams)
  return exitCode
}

/** Tells the user what went wrong. A reader that closed the pipe wants to hear nothing more. */
export function reportError(
  error: unknown,
  { json, debug, mode, exitCode }: ReportOptions,
  { stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>,
): void {
  if (isDrayError(error, 'PIPE_CLOSED')) return
  const description = { error: describeError(error, exitCode) }
  stderr.write(
    mode === 'json' ? `${toJson({ v: 1, type: 'error', ...description })}\n` : explainError(error, { debug }),
  )
  if (json) stdout.write(`${toJson(description)}\n`)
}
