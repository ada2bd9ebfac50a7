import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inNamespace } from './network-namespaces.ts'
import { type Finished, run } from './run.ts'

export interface DrayOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** The network namespace to run in. */
  readonly namespace?: string
  /** The command line that runs a program where dray is to run; default: in the namespace. */
  readonly within?: (command: string, args: readonly string[]) => readonly [string, readonly string[]]
  /** Another launcher than that of this checkout. */
  readonly launcher?: string
}

/** What npm puts on the PATH as `dray`, in this checkout. */
export const launcher = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))

/** Runs the command as a user types it, with an empty home and nothing in its environment but what is given here. */
export async function dray(args: readonly string[], options: DrayOptions = {}): Promise<Finished> {
  const { env, input, namespace, launcher: file = launcher } = options
  const { within = (command, args) => inNamespace(namespace, command, args) } = options
  const home = await mkdtemp(join(tmpdir(), 'dray-home-'))
  try {
    const [command, words] = within(process.execPath, [file, ...args])
    return await run(command, words, {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...env },
      ...(input !== undefined && { input }),
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Runs dray where it has to succeed; resolves to the path of the archive that it printed. */
export async function mustPull(args: readonly string[], options?: DrayOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await dray(args, options)
  if (exitCode !== 0) throw new Error(`dray ${args.join(' ')}\nended with ${exitCode}:\n${stderr}`)
  return stdout.trim()
}
