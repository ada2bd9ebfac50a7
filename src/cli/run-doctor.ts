import type { Diagnosis, DoctorOptions } from '../doctor/diagnose.ts'
import type { Finding } from '../doctor/finding.ts'
import { attend, writeResult } from './attend.ts'
import type { DoctorCommand } from './command.ts'
import { readCredentials } from './credentials.ts'
import { describeVerdict, diagnosisToJson, findingPrinter } from './describe-finding.ts'
import { exitCodeFor } from './exit-codes.ts'
import { type Options, readOptions } from './options.ts'
import type { Display } from './progress/display.ts'
import { openDisplay } from './progress/progress.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'
import { version } from './version.ts'

/**
 * Walks the way of a pull and prints a line for each step, as it is taken. Resolves to the exit code: that of the first
 * failure, unless a pull would work. Throws USAGE before it begins.
 */
export async function runDoctor(command: DoctorCommand, surroundings: Surroundings): Promise<number> {
  const { env, stderr } = surroundings
  const options = await readOptions(command.flags, withoutOutput(env), false)
  const display = await openDisplay({ ...options.display, mode: 'none' }, stderr)
  return attend({ options, display, surroundings }, async (signal) => {
    const { failure } = await diagnoseAndTell(command, { options, display, surroundings, signal })
    return failure ? exitCodeFor(failure) : 0
  })
}

/** There is no archive, wherever one is to go otherwise. */
function withoutOutput({ DRAY_OUTPUT: _, ...env }: Surroundings['env']): Surroundings['env'] {
  return env
}

interface DoctorContext {
  readonly options: Options
  readonly display: Display
  readonly surroundings: Surroundings
  readonly signal: AbortSignal
}

async function diagnoseAndTell(command: DoctorCommand, context: DoctorContext): Promise<Diagnosis> {
  const { options, surroundings } = context
  const { stdout } = surroundings
  const { colour = stdout.isTTY === true } = options.display
  const print = findingPrinter({ colour })
  const diagnosis = await examine(command, context, (finding) => {
    if (!options.json) stdout.write(print(finding))
  })
  const end = options.json ? `${toJson(diagnosisToJson(diagnosis))}\n` : describeVerdict(diagnosis)
  await writeResult(stdout, end)
  return diagnosis
}

async function examine(
  command: DoctorCommand,
  { options, display, surroundings, signal }: DoctorContext,
  onStep: (finding: Finding) => void,
): Promise<Diagnosis> {
  const [image = ''] = command.references
  for (const warning of options.warnings) display.warn(warning)
  const credentials = await readCredentials(command, { ...surroundings, onWarning: display.warn, signal })
  const onRequest: DoctorOptions['onRequest'] = (request) => display.onEvent({ type: 'request', ...request })
  const { diagnose } = await import('../doctor/diagnose.ts')
  const userAgent = `dray/${version}`
  return diagnose(image, { ...options.pull, credentials, userAgent, signal, onRequest }, onStep)
}
