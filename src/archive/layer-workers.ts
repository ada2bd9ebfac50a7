import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isDrayError } from '../errors.ts'
import type { Arrival } from '../store/arrival.ts'
import type { LayerJob } from './layer-job.ts'
import { breakRelay, createRelay } from './layer-relay.ts'
import type { LayerPlace } from './layer-sink.ts'
import { startThread, type Thread } from './layer-thread.ts'

/** Threads that write layers, made when the first layer comes. */
export interface LayerWorkers {
  /**
   * Has a thread that is free, or will be, run what `prepare` makes ready for it; resolves to the size of the content.
   * Throws INTEGRITY when the content is wrong or its blob was taken back, FILE, and the reason of `signal`, once the
   * thread does no more to the files.
   */
  run(prepare: () => Promise<PreparedJob>, options: RunOptions): Promise<number>
  /** Ends the threads, whatever they are at. */
  close(): Promise<void>
}

export interface RunOptions {
  /** Whether another thread is to hash and write what one inflates: for the one layer that outweighs all others. */
  readonly isDominant?: boolean
  readonly signal: AbortSignal
}

export interface PreparedJob {
  readonly job: LayerJob
  readonly place: LayerPlace
  readonly arrival: Arrival
  /** Told now and then how much has been written since, in bytes. */
  readonly onWritten?: ((size: number) => void) | undefined
  /** Called when the job has ended. */
  readonly release: () => Promise<void>
}

/** More threads than a network can feed would cost memory only. */
const mostThreads = 4

/** Undefined where there are no threads to be had: not where dray runs from its sources, nor where Node forbids them. */
export function createLayerWorkers(
  file = new URL('./layer-worker.js', import.meta.url),
): LayerWorkers | undefined {
  if (!existsSync(file)) return undefined
  const count = Math.min(availableParallelism(), mostThreads)
  const threads: Thread[] = []
  const idle: Thread[] = []
  const waiting: ((thread: Thread) => void)[] = []

  const acquire = async (): Promise<Thread> => {
    const thread = idle.pop()
    if (thread) return thread
    if (threads.length < count) return start()
    return new Promise((resolve) => waiting.push(resolve))
  }
  const start = (): Thread => {
    const thread = startThread(file)
    threads.push(thread)
    return thread
  }
  const release = (thread: Thread): void => {
    const next = waiting.shift()
    if (next) next(thread)
    else idle.push(thread)
  }
  return {
    async run(prepare, { isDominant = false, signal }) {
      const first = await acquire()
      // There is one such layer at most, so that no two of them have one thread each and wait for another.
      const second = isDominant && count > 1 ? await acquire() : undefined
      try {
        signal.throwIfAborted()
        const prepared = await prepare()
        const running = second ? runInTwo(first, second, prepared, signal) : runInOne(first, prepared, signal)
        return await running.finally(prepared.release)
      } finally {
        release(first)
        if (second) release(second)
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()))
    },
  }
}

function runInOne(
  thread: Thread,
  { job, place, arrival, onWritten }: PreparedJob,
  signal: AbortSignal,
): Promise<number> {
  return thread.run({ job, target: place }, { arrival, onWritten, signal })
}

/** One inflates, the other one hashes and writes. */
async function runInTwo(
  first: Thread,
  second: Thread,
  { job, place, arrival, onWritten }: PreparedJob,
  signal: AbortSignal,
): Promise<number> {
  const relay = createRelay()
  const halves = [
    first.run({ job, target: relay }, { arrival, signal }),
    second.run({ source: relay, target: place }, { onWritten, signal }),
  ]
  // Whoever ends, the other must not wait for it.
  const outcomes = await Promise.allSettled(halves.map((half) => half.finally(() => breakRelay(relay))))
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (errors.length > 0) throw errors.find((error) => !isDrayError(error, 'ABORTED')) ?? errors[0]
  return halves[0] ?? 0
}
