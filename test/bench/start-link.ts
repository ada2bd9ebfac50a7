import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** What a wire is like; sizes in bytes, times in milliseconds. */
export interface LinkOptions {
  /** Bytes per second of each connection. */
  readonly perConnection?: number
  /** Bytes per second of all connections together. */
  readonly shared?: number
  readonly roundTrip?: number
}

export interface Link {
  /** `host:port` of this end. */
  readonly host: string
  stop(): Promise<void>
}

/** Starts a wire to a TCP port, in a process of its own. */
export async function startLink(target: string, options: LinkOptions): Promise<Link> {
  const args = ['test/bench/link.ts', target, JSON.stringify(options)]
  const child = fork('.build/run.js', args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const said = once(child.stdout ?? child, 'data')
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('the link did not start')))
  const [host] = await Promise.race([said, failed])
  failed.catch(() => {})
  return {
    host: String(host).trim(),
    stop: async () => {
      if (!running.has(child)) return
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

// A link must not outlive a benchmark that breaks off.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill()
})
