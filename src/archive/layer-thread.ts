import { Worker } from 'node:worker_threads'
import { DrayError } from '../errors.ts'
import type { Arrival } from '../store/arrival.ts'
import type { Order, Report, Task } from './layer-worker.ts'

/** A thread that does tasks, several at a time if it is told to. */
export interface Thread {
  /** Resolves to the size of the content. Throws what the task does, once the thread does no more to the files. */
  run(what: Task, options: TaskOptions): Promise<number>
  /** Ends it, whatever it is at. */
  close(): Promise<void>
}

export interface TaskOptions {
  /** How the blob of the task arrives. */
  readonly arrival?: Arrival
  /** Told now and then how much has been written since, in bytes. */
  readonly onWritten?: ((size: number) => void) | undefined
  readonly signal: AbortSignal
}

/** In MiB: what lives long is buffers, which lie outside. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }

export function startThread(file: URL): Thread {
  // What Node was told on its command line, such as --input-type, is not for a file of ours.
  const worker = new Worker(file, { resourceLimits, execArgv: [] })
  const listeners = new Map<number, (report: Report) => void>()
  worker.on('message', (report: Report) => listeners.get(report.task)?.(report))
  const end = new Promise<never>((_resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a thread that writes layers ended with ${code}`)))
  })
  // Heard by whoever waits for it; nobody need to.
  end.catch(() => {})
  let tasks = 0
  return {
    async run(what, options) {
      const task = tasks++
      const outcome = new Promise<number>((resolve, reject) => {
        listeners.set(task, (report) => {
          if (report.type === 'written') options.onWritten?.(report.size)
          else if (report.type === 'done') resolve(report.size)
          else reject(revive(report.error))
        })
      })
      const tell = (order: News) => worker.postMessage({ ...order, task })
      tell({ type: 'begin', what })
      try {
        return await follow(Promise.race([outcome, end]), tell, options)
      } finally {
        listeners.delete(task)
      }
    },
    async close() {
      await worker.terminate()
    },
  }
}

type Untagged<T> = T extends Order ? Omit<T, 'task'> : never
type News = Untagged<Order>

/** Keeps a task up to date until it has ended. */
async function follow(
  outcome: Promise<number>,
  tell: (order: News) => void,
  { arrival, signal }: TaskOptions,
): Promise<number> {
  const ended = new AbortController()
  const stop = () => tell({ type: 'stop' })
  signal.addEventListener('abort', stop, { signal: ended.signal })
  try {
    if (signal.aborted) stop()
    if (arrival) void tellArrival(arrival, tell, ended.signal)
    return await outcome
  } finally {
    ended.abort()
    signal.throwIfAborted()
  }
}

/** Enough to be worth a message. */
const newsSize = 512 * 1024

async function tellArrival(
  arrival: Arrival,
  tell: (order: News) => void,
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
