import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface DrayStart {
  /** The `bin/dray.js` to run. */
  readonly launcher: string
  /** Where it is at home and works; it has a `tmp` there. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  /** The file that gets what it prints on stdout; default: nobody does. */
  readonly stdoutFile?: string
}

export interface Ended {
  /** Null after a signal that it did not answer. */
  readonly exitCode: number | null
  readonly stderr: string
}

export interface RunningDray {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts the command in a home of its own, with nothing in its environment but what is given here. */
export function startDray(args: readonly string[], start: DrayStart): RunningDray {
  const { launcher, home, env, stdoutFile } = start
  const temporary = join(home, 'tmp')
  mkdirSync(temporary, { recursive: true })
  const stdout = stdoutFile === undefined ? 'ignore' : openSync(stdoutFile, 'w')
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      USERPROFILE: home,
      TMPDIR: temporary,
      TEMP: temporary,
      // What is compiled would be left in the home, where nothing else may be left.
      NODE_DISABLE_COMPILE_CACHE: '1',
      ...env,
    },
    stdio: ['ignore', stdout, 'pipe'],
  })
  if (typeof stdout === 'number') closeSync(stdout)
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ended = Promise.all([exitCode, text(child.stderr as Readable)]).then(([exitCode, stderr]) => ({
    exitCode,
    stderr,
  }))
  return { child, ended }
}

/** Runs the command to its end. */
export const runToEnd = (args: readonly string[], start: DrayStart): Promise<Ended> =>
  startDray(args, start).ended

/** What no output of dray may show: a crash, or what Node says of a mistake. */
export const crash =
  /^\s+at .*:\d+:\d+\)?$|unhandled|Warning: |Node\.js v\d|a bug in dray|TypeError|RangeError|ReferenceError/im
