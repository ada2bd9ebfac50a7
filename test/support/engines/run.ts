import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface RunOptions {
  readonly cwd?: string
  /** The whole environment of the program; this process's own when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
}

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end and resolves whatever its exit code; rejects only when it cannot be started. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env = process.env, input = '' }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(command, args, { cwd, env })
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // A program that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code, [stdout, stderr]] = await Promise.all([exitCode, output])
  return { exitCode: code, stdout, stderr }
}

/** Runs a program that has to succeed and resolves to its trimmed stdout; rejects with what it said otherwise. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, args, options)
  if (exitCode === 0) return stdout.trim()
  throw new Error(`${command} ${args.join(' ')}\nended with ${exitCode}:\n${stderr}${stdout}`)
}
