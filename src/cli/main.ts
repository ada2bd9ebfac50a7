import { parseCommand, shortHelp } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { reportFailure } from './report-error.ts'
import type { Surroundings } from './surroundings.ts'

/** Runs the command line `argv` (as `process.argv`) and resolves to its exit code; nothing is thrown. */
export async function main(argv: readonly string[], given: Partial<Surroundings> = {}): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr } = given
  stderr.on('error', ignoreClosedStderr)
  try {
    if (argv.length > 2) {
      const command = parseCommand(argv, stdout)
      if (!command) return 0
      // What runs commands is loaded when there is one: `--help` needs none of it.
      const { runCommand } = await import('./run-command.ts')
      return await runCommand(command, argv, given)
    }
    stderr.write(shortHelp)
    return exitCodes.USAGE
  } catch (error) {
    return reportFailure(error, argv, { stdout, stderr })
  }
}

/** When nobody reads the messages any more, the archive is still wanted. */
function ignoreClosedStderr(): void {}
