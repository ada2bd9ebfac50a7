import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { longLivedDirectory } from './temporary-directory.ts'

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Buffer
  /** A directory to be at home in; default: one of its own. */
  readonly home?: string
  /** Runs as this user, which takes root. */
  readonly uid?: number
  /** A program and its arguments that starts the command which is added to them; default: none in between. */
  readonly through?: readonly string[]
  /** Told of the running process, to send it signals. */
  readonly onStart?: (child: ChildProcessWithoutNullStreams) => void
}

const launcher = fileURLToPath(new URL('../../bin/dray.js', import.meta.url))

/** Runs the command as a user types it, in an empty home. */
export async function runDray(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const home = options.home ?? longLivedDirectory()
  const [program = process.execPath, ...before] = [...(options.through ?? []), process.execPath]
  const child = spawn(program, [...before, launcher, ...args], {
    cwd: options.cwd ?? home,
    ...(options.uid !== undefined && { uid: options.uid }),
    env: { PATH: process.env.PATH, HOME: home, USERPROFILE: home, TMPDIR: home, TEMP: home, ...options.env },
  })
  options.onStart?.(child)
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin)
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [exitCode, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)])
  return { exitCode, stdout, stderr }
}
