import { compileParserOnce } from '../http/compile-parser-once.ts'
import type { DrayCommand } from './command.ts'
import { reportFailure } from './report-error.ts'
import { processSurroundings, type Surroundings } from './surroundings.ts'

/**
 * Runs a command of the command line `argv` and resolves to its exit code; nothing is thrown. Errors end here: the
 * bundle has one class of them for the parser and one for the commands.
 */
export async function runCommand(
  command: DrayCommand,
  argv: readonly string[],
  given: Partial<Surroundings>,
): Promise<number> {
  const surroundings = { ...processSurroundings(), ...given }
  compileParserOnce(process.versions.node)
  try {
    return await run(command, surroundings)
  } catch (error) {
    return reportFailure(error, argv, surroundings)
  }
}

/** Each is loaded when it is asked for. */
async function run(command: DrayCommand, surroundings: Surroundings): Promise<number> {
  if (command.kind === 'pull') return (await import('./run-pull.ts')).runPull(command, surroundings)
  if (command.kind === 'doctor') return (await import('./run-doctor.ts')).runDoctor(command, surroundings)
  if (command.kind === 'verify') return (await import('./run-verify.ts')).runVerify(command, surroundings)
  const { runLogin, runLogout } = await import('./run-login.ts')
  return command.kind === 'login' ? runLogin(command, surroundings) : runLogout(command, surroundings)
}
