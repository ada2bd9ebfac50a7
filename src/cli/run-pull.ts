import type { PullResult } from '../pull.ts'
import type { PullCommand } from './command.ts'
import { readCredentials } from './credentials.ts'
import { exitCodeFor } from './exit-codes.ts'
import { stdoutError, watchForInterruption } from './interruption.ts'
import { type Options, readOptions } from './options.ts'
import type { Display } from './progress/display.ts'
import { openDisplay } from './progress/progress.ts'
import { reportError } from './report-error.ts'
import { summarize } from './summary.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'
import { version } from './version.ts'

/** Pulls, shows how it goes, and tells the result or the error. Resolves to the exit code; throws USAGE before it begins. */
export async function runPull(command: PullCommand, surroundings: Surroundings): Promise<number> {
  const { env, stdout, stderr, signals, exit } = surroundings
  const options = await readOptions(command.flags, env, stdout.isTTY === true)
  const display = await openDisplay(options.display, stderr)
  const fail = (error: unknown, exitCode: number) => {
    display.stop()
    reportError(error, { ...options.display, json: options.json, exitCode }, surroundings)
    return exitCode
  }
  const interruption = watchForInterruption({
    signals,
    stdout,
    hint: keepsBlobs(options) ? 'run the same command again: it goes on from what has arrived' : undefined,
    giveUp: (reason, exitCode) => exit(fail(reason, exitCode)),
    exit,
  })
  try {
    await pullAndTell(command, { options, display, surroundings, signal: interruption.signal })
    return 0
  } catch (error) {
    return fail(error, interruption.exitCode() ?? exitCodeFor(error))
  } finally {
    interruption.end()
  }
}

/** Next to a file there is a place for what has arrived; behind a pipe there is none. */
function keepsBlobs({ pull: { output, cache } }: Options): boolean {
  return output !== '-' || cache !== undefined
}

interface PullContext {
  readonly options: Options
  readonly display: Display
  readonly surroundings: Surroundings
  readonly signal: AbortSignal
}

async function pullAndTell(command: PullCommand, context: PullContext): Promise<void> {
  const { options, display, surroundings, signal } = context
  const { env, stdin, stdout, stderr, loadPull } = surroundings
  const { onEvent } = display
  for (const warning of options.warnings) display.warn(warning)
  const onWarning = (message: string) => onEvent({ type: 'warning', message })
  const credentials = await readCredentials(command, { env, stdin, onWarning, signal })
  const { pull } = await loadPull()

  const began = performance.now()
  const userAgent = `dray/${version}`
  const result = await pull(command.references, {
    ...options.pull,
    credentials,
    stdout,
    userAgent,
    signal,
    onEvent,
  })
  display.stop()
  if (wantsSummary(options, stderr)) stderr.write(summarize(result, { elapsed: performance.now() - began }))
  await writeResult(result, options, stdout)
}

function wantsSummary({ display: { mode } }: Options, stderr: Surroundings['stderr']): boolean {
  return stderr.isTTY === true && mode !== 'none' && mode !== 'json'
}

/** When the archive itself went to stdout, nothing else does. */
async function writeResult(
  result: PullResult,
  { json }: Options,
  stdout: Surroundings['stdout'],
): Promise<void> {
  if (result.path === '-') return
  const line = json ? toJson(result) : result.path
  await new Promise<void>((resolve, reject) => {
    stdout.write(`${line}\n`, (error) => (error ? reject(stdoutError(error)) : resolve()))
  })
}
