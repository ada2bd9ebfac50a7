import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DrayError } from '../errors.ts'
import type { Arrival } from '../store/arrival.ts'
import type { LayerJob } from './layer-job.ts'
import type { Order, Report } from './layer-worker.ts'

/** Threads that write layers, made when the first layer comes. */
export interface LayerWorkers {
  /**
   * Has a thread that is free, or will be, run what `prepare` makes ready for it. Throws what `runLayerJob` does, once the
   * thread does no more to the files.
   */
  run(prepare: () => Promise<PreparedJob>, signal: AbortSignal): Promise<number>
  /** Ends the threads, whatever they are at. */
  close(): Promise<void>
}

export interface PreparedJob {
  readonly job: LayerJob
  readonly arrival: Arrival
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
    async run(prepare, signal) {
      const thread = await acquire()
      try {
        signal.throwIfAborted()
        const { job, arrival, release } = await prepare()
        return await runIn(thread, job, arrival, signal).finally(release)
      } finally {
        release(thread)
      }
    },
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}

interface Thread {
  readonly worker: Worker
  /** Rejects when it has ended. */
  readonly end: Promise<never>
}

/** In MiB: what lives long is buffers, which lie outside. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

function startThread(file: URL): Thread {
  // What Node was told on its command line, such as --input-type, is not for a file of ours.
  const worker = new Worker(file, { resourceLimits, execArgv: [] })
  const end = new Promise<never>((_resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a thread that writes layers ended with ${code}`)))
  })
  // Heard by whoever waits for it; nobody need to.
  end.catch(() => {})
  return { worker, end }
}

async function runIn(
  { worker, end }: Thread,
  job: LayerJob,
  arrival: Arrival,
  signal: AbortSignal,
): Promise<number> {
  const ended = new AbortController()
  const tell = (order: Order) => worker.postMessage(order)
  const stop = () => tell({ type: 'stop' })
  signal.addEventListener('abort', stop, { signal: ended.signal })
  try {
    const report = once(worker, 'message', { signal: ended.signal })
    tell({ type: 'begin', job })
    if (signal.aborted) stop()
    void tellArrival(arrival, tell, ended.signal)
    const [outcome]: Report[] = await Promise.race([report, end])
    signal.throwIfAborted()
    if (outcome?.type === 'done') return outcome.size
    throw revive(outcome?.error)
  } finally {
    ended.abort()
  }
}

/** Enough to be worth a message. */
const newsSize = 512 * 1024

async function tellArrival(
  arrival: Arrival,
  tell: (order: Order) => void,
  signal: AbortSignal,
): Promise<void> {
  const { interruptions } = arrival
  let told = 0
  while (!signal.aborted) {
    if (arrival.interruptions !== interruptions) return tell({ type: 'stop' })
    if (arrival.isWhole) return tell({ type: 'complete', size: arrival.available })
    if (arrival.available >= told + newsSize) {
      told = arrival.available
      tell({ type: 'advance', available: told })
    }
    await arrival.change(signal).catch(() => {})
  }
}

/** What came from another thread as plain data. */
function revive(error: unknown): unknown {
  if (error instanceof Error) return error
  const { code, message, hint, cause } = error as DrayError
  return new DrayError(code, message, { hint, cause })
}
