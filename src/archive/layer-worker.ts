// Runs in a thread of its own: writes one layer after another into the archive, as it is told.
import { parentPort } from 'node:worker_threads'
import { DrayError, isDrayError } from '../errors.ts'
import { createArrival } from '../store/arrival.ts'
import { createCollector } from '../streams/collect-garbage.ts'
import { type LayerJob, runLayerJob } from './layer-job.ts'

/** What the thread is told: what to do, then how the blob arrives. */
export type Order =
  | { readonly type: 'begin'; readonly job: LayerJob }
  | { readonly type: 'advance'; readonly available: number }
  | { readonly type: 'complete'; readonly size: number }
  | { readonly type: 'stop' }

/** What the thread answers, once for each job. */
export type Report =
  | { readonly type: 'done'; readonly size: number }
  | { readonly type: 'failed'; readonly error: unknown }

/** Often: memory that the processor still has at hand is faster to use again. */
const onWritten = createCollector(512 * 1024)
let arrival = createArrival()
let stop = new AbortController()

parentPort?.on('message', (order: Order) => {
  switch (order.type) {
    case 'begin':
      arrival = createArrival()
      stop = new AbortController()
      return void runLayerJob(order.job, arrival, { signal: stop.signal, onWritten }).then(
        (size) => report({ type: 'done', size }),
        (error) => report({ type: 'failed', error: flatten(error) }),
      )
    case 'advance':
      return arrival.advance(order.available)
    case 'complete':
      return arrival.complete(order.size)
    case 'stop':
      return stop.abort(new DrayError('ABORTED', 'it is of no more use'))
  }
})

function report(message: Report): void {
  parentPort?.postMessage(message)
}

/** Errors lose their class on the way to another thread. */
function flatten(error: unknown): unknown {
  if (!isDrayError(error)) return error
  const { code, message, hint, cause } = error
  return { code, message, hint, cause }
}
