import { type DrayCommand, parseCommand, shortHelp } from './command.ts'
import { exitCodeFor, exitCodes } from './exit-codes.ts'
import { reportError } from './report-error.ts'
import { processSurroundings, type Surroundings } from './surroundings.ts'

/** Runs the command line `argv` (as `process.argv`) and resolves to its exit code; nothing is thrown. */
export async function main(argv: readonly string[], given: Partial<Surroundings> = {}): Promise<number> {
  const surroundings = { ...processSurroundings(), ...given }
  const { stdout, stderr } = surroundings
  stderr.on('error', ignoreClosedStderr)
  try {
    if (argv.length > 2) {
      const command = parseCommand(argv, stdout)
      return command ? await run(command, surroundings) : 0
    }
    stderr.write(shortHelp)
    return exitCodes.USAGE
  } catch (error) {
    const exitCode = exitCodeFor(error)
    const [json, debug] = [argv.includes('--json'), argv.includes('--debug')]
    reportError(error, { json, debug, mode: 'auto', exitCode }, surroundings)
    return exitCode
  }
}

/** A command is loaded when it is asked for: `--help` needs none. */
async function run(command: DrayCommand, surroundings: Surroundings): Promise<number> {
  if (command.kind === 'pull') return (await import('./run-pull.ts')).runPull(command, surroundings)
  if (command.kind === 'doctor') return (await import('./run-doctor.ts')).runDoctor(command, surroundings)
  if (command.kind === 'verify') return (await import('./run-verify.ts')).runVerify(command, surroundings)
  const { runLogin, runLogout } = await import('./run-login.ts')
  return command.kind === 'login' ? runLogin(command, surroundings) : runLogout(command, surroundings)
}

/** When nobody reads the messages any more, the archive is still wanted. */
function ignoreClosedStderr(): void {}
