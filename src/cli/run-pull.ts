import { attend, writeResult } from './attend.ts'
import type { PullCommand } from './command.ts'
import { readCredentials } from './credentials.ts'
import { type Options, readOptions } from './options.ts'
import type { Display } from './progress/display.ts'
import { openDisplay } from './progress/progress.ts'
import { summarize } from './summary.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'
import { version } from './version.ts'

/** Pulls, shows how it goes, and tells the result or the error. Resolves to the exit code; throws USAGE before it begins. */
export async function runPull(command: PullCommand, surroundings: Surroundings): Promise<number> {
  const { env, stdout, stderr } = surroundings
  const options = await readOptions(command.flags, env, stdout.isTTY === true)
  const display = await openDisplay(options.display, stderr)
  const hint = keepsBlobs(options)
    ? 'run the same command again: it goes on from what has arrived'
    : undefined
  return attend({ options, display, surroundings, hint }, async (signal) => {
    await pullAndTell(command, { options, display, surroundings, signal })
    return 0
  })
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
  // When the archive itself went to stdout, nothing else does.
  if (result.path !== '-') await writeResult(stdout, `${options.json ? toJson(result) : result.path}\n`)
}

function wantsSummary({ display: { mode } }: Options, stderr: Surroundings['stderr']): boolean {
  return stderr.isTTY === true && mode !== 'none' && mode !== 'json'
}
