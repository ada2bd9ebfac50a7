import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export interface Measurement {
  readonly exitCode: number | null
  readonly seconds: number
  /** The most memory that the process had resident at any time, in bytes; 0 where there is no /proc. */
  readonly peakMemory: number
}

/** What any pull may take, in bytes; Node itself takes half of it. */
export const mostMemory = 150_000_000

const interval = 20

/** Runs a program and measures it; what it prints is thrown away. */
export async function measure(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Measurement> {
  const start = performance.now()
  const child = spawn(command, args, { env, stdio: 'ignore' })
  let peakMemory = 0
  // The kernel keeps the highest value, so only what is added in the last moments can be missed.
  const poll = setInterval(() => {
    peakMemory = Math.max(peakMemory, readPeakMemory(child))
  }, interval)
  const [exitCode] = await once(child, 'exit')
  clearInterval(poll)
  return { exitCode, seconds: (performance.now() - start) / 1000, peakMemory }
}

/** The most memory that a process had resident so far, in bytes; 0 where there is no /proc. */
export function readPeakMemory({ pid }: Pick<ChildProcess, 'pid'>): number {
  try {
    const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kibibytes ?? 0) * 1024
  } catch {
    return 0
  }
}
