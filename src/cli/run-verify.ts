import { DrayError, isDrayError } from '../errors.ts'
import type { Verdict } from '../verify/verdict.ts'
import { attend, writeResult } from './attend.ts'
import type { VerifyCommand } from './command.ts'
import { describeVerdict, verdictToJson } from './describe-verdict.ts'
import { exitCodeFor, exitCodes } from './exit-codes.ts'
import { describeError } from './explain-error.ts'
import type { Flags } from './flags.ts'
import type { Options } from './options.ts'
import { openDisplay } from './progress/progress.ts'
import { reportError } from './report-error.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'

/**
 * Verifies archives one after another and tells about each. Resolves to the exit code: that of the first that is not whole.
 * Throws USAGE before it begins.
 */
export async function runVerify(
  { archives, flags }: VerifyCommand,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr, stdin } = surroundings
  checkStdin(archives, stdin)
  const options = optionsOf(flags)
  const display = await openDisplay(options.display, stderr)
  return attend({ options, display, surroundings }, async (signal) => {
    const outcomes: Outcome[] = []
    for (const archive of archives) {
      const outcome = await verifyOne(archive, { stdin, signal })
      outcomes.push(outcome)
      if (!options.json) await tell(outcome, flags, surroundings)
    }
    if (options.json) await writeResult(stdout, `${toJson({ archives: outcomes.map(outcomeToJson) })}\n`)
    return outcomes.map(exitCodeOf).find((code) => code !== 0) ?? 0
  })
}

/** There is one standard input, and it ends once. */
function checkStdin(archives: readonly string[], stdin: Surroundings['stdin']): void {
  const times = archives.filter((archive) => archive === '-').length
  if (times > 1) throw new DrayError('USAGE', '- stands for stdin, which can be read once only')
  if (times === 1 && stdin().isTTY) {
    throw new DrayError('USAGE', 'an archive cannot come from a terminal', {
      hint: 'name a file, or pipe one in: dray verify - < image.tar',
    })
  }
}

function optionsOf({ json = false, verbose = false, debug = false }: Flags): Options {
  const display = { mode: 'none', verbose, debug, colour: undefined, animate: false } as const
  return { pull: {}, display, json, warnings: [] }
}

/** What was found out, or why that could not be. */
type Outcome = Verdict | { readonly archive: string; readonly error: DrayError }

async function verifyOne(
  archive: string,
  { stdin, signal }: Pick<Surroundings, 'stdin'> & { readonly signal: AbortSignal },
): Promise<Outcome> {
  try {
    const { verify } = await import('../verify/verify.ts')
    return await verify(archive === '-' ? stdin() : archive, { signal })
  } catch (error) {
    if (!isDrayError(error, 'FILE')) throw error
    return { archive, error }
  }
}

function exitCodeOf(outcome: Outcome): number {
  if ('error' in outcome) return exitCodeFor(outcome.error)
  if (outcome.ok) return 0
  const isBroken = outcome.problems.some(({ kind }) => kind === 'broken')
  return isBroken ? exitCodes.INTEGRITY : exitCodes.FILE
}

async function tell(outcome: Outcome, flags: Flags, surroundings: Surroundings): Promise<void> {
  if ('error' in outcome) {
    const { debug = false } = flags
    const exitCode = exitCodeOf(outcome)
    reportError(outcome.error, { json: false, debug, mode: 'none', exitCode }, surroundings)
  } else if (!flags.quiet || !outcome.ok) {
    await writeResult(surroundings.stdout, describeVerdict(outcome, { verbose: flags.verbose ?? false }))
  }
}

function outcomeToJson(outcome: Outcome): object {
  const exitCode = exitCodeOf(outcome)
  if (!('error' in outcome)) return verdictToJson(outcome, exitCode)
  return { archive: outcome.archive, ok: false, exitCode, error: describeError(outcome.error, exitCode) }
}
