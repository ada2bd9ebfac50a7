import { processEnvironment } from './environment.ts'
import { keepCompiled } from './keep-compiled.ts'
import { version } from './version.ts'

/** Runs the command line of this process, `argv`, and resolves to its exit code. What needs no parser is answered without. */
export async function launch(argv: readonly string[]): Promise<number> {
  if (argv.length === 3 && argv[2] === '--version') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  keepCompiled(processEnvironment)
  const { main } = await import('./main.ts')
  return main(argv)
}
