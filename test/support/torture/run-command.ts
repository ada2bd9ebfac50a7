import { EventEmitter } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { main } from '../../../src/cli/main.ts'

/** What came of a command. */
export interface Finished {
  readonly exitCode: number | 'hangs'
  readonly stdout: Buffer
  readonly stderr: string
  /** What nobody caught. */
  readonly uncaught: readonly unknown[]
}

export interface CommandOptions {
  /** Everything that the command may write to is below it. */
  readonly directory: string
  readonly stdin?: string | undefined
  /** The command line. */
  readonly main: typeof main
}

/** Long after the slowest machine would have been done, in milliseconds. */
const patience = 60_000

/** Runs the command line in this process. */
export async function runCommand(
  args: readonly string[],
  { directory, stdin = '', main }: CommandOptions,
): Promise<Finished> {
  const [stdout, stderr] = [collector(), collector()]
  const uncaught: unknown[] = []
  const onUncaught = (error: unknown) => uncaught.push(error)
  for (const event of events) process.on(event, onUncaught)
  const enough = new AbortController()
  try {
    const running = main(['node', 'dray', ...args], {
      env: { HOME: join(directory, 'home'), USERPROFILE: join(directory, 'home'), PATH: '' },
      stdin: () => Readable.from([stdin]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      signals: new EventEmitter(),
      exit: (code) => uncaught.push(new Error(`it ended the process with ${code}`)),
    })
    const exitCode = await Promise.race([
      running,
      wait(patience, 'hangs' as const, { signal: enough.signal }),
    ])
    // Whatever is rejected and not caught is known to be so a little later.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return { exitCode, stdout: stdout.bytes(), stderr: stderr.bytes().toString(), uncaught }
  } finally {
    enough.abort()
    for (const event of events) process.off(event, onUncaught)
  }
}

const events = ['unhandledRejection', 'uncaughtException'] as const

function collector() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      setImmediate(done)
    },
  })
  return { stream, bytes: () => Buffer.concat(chunks) }
}

/** Lets this process be at home in the directory, and its temporary files be there. Gives back a function that undoes it. */
export function moveHome(directory: string): () => void {
  const homes = { HOME: 'home', USERPROFILE: 'home', TMPDIR: 'tmp', TEMP: 'tmp', TMP: 'tmp' }
  const before = Object.keys(homes).map((name) => [name, process.env[name]] as const)
  for (const [name, place] of Object.entries(homes)) process.env[name] = join(directory, place)
  if (homedir() !== join(directory, 'home')) throw new Error('this thread cannot move its home')
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
