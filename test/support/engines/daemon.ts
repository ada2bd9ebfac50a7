import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

export interface Daemon {
  /** Asks the daemon to end, waits until it has, and insists after ten seconds. */
  stop(): Promise<void>
}

export interface DaemonOptions {
  /** Where stdout and stderr of the daemon go. */
  readonly log: string
  /** The file whose text says that the daemon is ready; the log when absent. */
  readonly readyIn?: string
  readonly ready: RegExp
  readonly env?: Readonly<Record<string, string | undefined>>
}

const startLimit = 30_000
const stopLimit = 10_000

/** Starts a server that stays in the foreground and resolves when it says that it is ready; rejects with its log. */
export async function startDaemon(
  command: string,
  args: readonly string[],
  { log, readyIn = log, ready, env = process.env }: DaemonOptions,
): Promise<Daemon> {
  const output = openSync(log, 'a')
  const child = spawn(command, args, { env, stdio: ['ignore', output, output] })
  const failure = new Promise<never>((_, reject) => {
    child.once('error', reject)
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const daemon = { stop: () => stop(child) }
  try {
    await Promise.race([untilSaid(child, ready, readyIn), failure])
    return daemon
  } catch (cause) {
    await daemon.stop()
    const said = await readFile(log, 'utf8')
    throw new Error(`${command} did not start:\n${said.slice(-2000)}`, { cause })
  }
}

async function untilSaid(child: ChildProcess, ready: RegExp, file: string): Promise<void> {
  const deadline = Date.now() + startLimit
  while (!ready.test(await readFile(file, 'utf8').catch(() => ''))) {
    if (hasEnded(child)) throw new Error(`ended with ${child.exitCode ?? child.signalCode}`)
    if (Date.now() > deadline) throw new Error(`was not ready within ${startLimit / 1000} s`)
    await wait(50)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  const insist = setTimeout(() => child.kill('SIGKILL'), stopLimit)
  child.kill('SIGTERM')
  await ended
  clearTimeout(insist)
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

// Daemons must not outlive a test run that ends without asking them to stop.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})
