import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun, type RunOptions } from '../support/engines/run.ts'

/** What one run of a program took, with all processes that it started. */
export interface Sample {
  readonly seconds: number
  /** Of user and system together. */
  readonly cpuSeconds: number
  /** Bytes resident in the biggest of its processes, at most. */
  readonly memory: number
  /** Bytes written to files, as the kernel counts them: pages made dirty. None on a file system in memory. */
  readonly written: number
}

/**
 * Runs a program that has to succeed; `directory` is its home, and where GNU time says what it took. It sees nothing else
 * of this machine's settings: what a proxy or a hundred certificate authorities cost is not what is compared.
 */
export async function runMeasured(command: readonly string[], directory: string): Promise<Sample> {
  const env = { PATH: process.env.PATH, HOME: directory }
  const report = join(directory, 'time')
  const args = ['--format=%U %S %M %O', `--output=${report}`, ...command]
  const start = performance.now()
  const child = spawn('/usr/bin/time', args, { env, stdio: 'ignore' })
  const [exitCode] = await once(child, 'exit')
  const seconds = (performance.now() - start) / 1000
  if (exitCode !== 0) await sayWhy(command, env)
  const [user = 0, system = 0, kibibytes = 0, blocks = 0] = (await readFile(report, 'utf8'))
    .trim()
    .split(' ')
    .map(Number)
  return { seconds, cpuSeconds: user + system, memory: kibibytes * 1024, written: blocks * 512 }
}

/** Runs it again, to hear what it has to say. */
async function sayWhy(
  [command = '', ...args]: readonly string[],
  env: RunOptions['env'] = {},
): Promise<never> {
  await mustRun(command, args, { env })
  throw new Error(`${[command, ...args].join(' ')} failed once, and then did not`)
}
