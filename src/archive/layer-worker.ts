// Runs in a thread of its own: makes layers of blobs, as it is told.
import { parentPort } from 'node:worker_threads'
import { DrayError, isDrayError } from '../errors.ts'
import { type Arrival, createArrival } from '../store/arrival.ts'
import { createCollector } from '../streams/collect-garbage.ts'
import { type LayerJob, runLayerJob } from './layer-job.ts'
import { type Relay, receive, sinkToRelay } from './layer-relay.ts'
import { type LayerPlace, sinkToArchive } from './layer-sink.ts'

/** What the thread is told: what to do, then how the blob arrives. Every task has a number. */
export type Order = { readonly task: number } & (
  | { readonly type: 'begin'; readonly what: Task }
  | { readonly type: 'advance'; readonly available: number }
  | { readonly type: 'complete'; readonly size: number }
  | { readonly type: 'stop' }
)

/** A layer, from its blob to its place in the archive; or one half of that, where two threads share it. */
export type Task =
  | { readonly job: LayerJob; readonly target: LayerPlace | Relay }
  | { readonly source: Relay; readonly target: LayerPlace }

/** What the thread answers; the last two, once for each task. */
export type Report = { readonly task: number } & (
  | { readonly type: 'written'; readonly size: number }
  | { readonly type: 'done'; readonly size: number }
  | { readonly type: 'failed'; readonly error: unknown }
)

/** In bytes. Memory that the processor still has at hand is faster to use again; every collection costs a quarter of a millisecond. */
const onGarbage = createCollector(2 * 1024 * 1024)
const running = new Map<number, { readonly arrival: Arrival; readonly stop: AbortController }>()

parentPort?.on('message', (order: Order) => {
  if (order.type === 'begin') return void begin(order.task, order.what)
  // It may have ended meanwhile.
  const { arrival, stop } = running.get(order.task) ?? {}
  switch (order.type) {
    case 'advance':
      return arrival?.advance(order.available)
    case 'complete':
      return arrival?.complete(order.size)
    case 'stop':
      return stop?.abort(new DrayError('ABORTED', 'it is of no more use'))
  }
})

async function begin(task: number, what: Task): Promise<void> {
  try {
    report({ task, type: 'done', size: await run(task, what) })
  } catch (error) {
    report({ task, type: 'failed', error: flatten(error) })
  } finally {
    running.delete(task)
  }
}

async function run(task: number, what: Task): Promise<number> {
  const { target } = what
  const sink =
    target instanceof SharedArrayBuffer ? sinkToRelay(target) : sinkToArchive(target, writtenBy(task))
  if ('source' in what) return receive(what.source, sink)
  const arrival = createArrival()
  const stop = new AbortController()
  running.set(task, { arrival, stop })
  return runLayerJob(what.job, arrival, sink, { signal: stop.signal, onGarbage })
}

/** Enough to be worth a message, in bytes. */
const newsSize = 8 * 1024 * 1024

function writtenBy(task: number): (size: number) => void {
  let untold = 0
  return (size) => {
    untold += size
    if (untold < newsSize) return
    report({ task, type: 'written', size: untold })
    untold = 0
  }
}

function report(message: Report): void {
  parentPort?.postMessage(message)
}

/** Errors lose their class on the way to another thread. */
function flatten(error: unknown): unknown {
  if (!isDrayError(error)) return error
  const { code, message, hint, cause } = error
  return { code, message, hint, cause }
}
