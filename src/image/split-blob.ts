import { EventEmitter } from 'node:events'
import { addAbortSignal, Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobSource } from '../store/blob-store.ts'
import type { IdleSlots } from './idle-slots.ts'
import { joinParts, type Outlet } from './join-parts.ts'

export interface SplitOptions {
  /** How many connections there may be in all. */
  readonly jobs: number
  /** Connections that may be used beside the one that a blob has anyway. */
  readonly slots: IdleSlots
  /** Repositories that have gained nothing by it, or cannot do it. */
  readonly unfit: Set<Repository>
  /** In milliseconds. */
  readonly now?: (() => number) | undefined
}

/** What is split. */
export interface RemoteBlob {
  readonly descriptor: Descriptor
  readonly repository: Repository
}

/** Less is never split, in bytes. */
const leastRest = 8 * 1024 * 1024

/**
 * A blob by one connection, and by those that are idle too where that proves to be faster: where each connection is slower
 * than the link. The bytes come in their order; of those that came too early, some MiB at most wait in memory. What goes
 * wrong with them is fetched in the plain way, which also says what is wrong. Once a blob was split, the next call, for
 * its bytes proved wrong, is not.
 */
export function splitBlob(blob: RemoteBlob, options: SplitOptions): BlobSource {
  const { unfit, now = () => performance.now() } = options
  const { repository, descriptor } = blob
  let wasSplit = false
  return async (from, outer) => {
    const asked = now()
    const body = await repository.fetchBlob(descriptor, from, outer)
    if (wasSplit || unfit.has(repository) || descriptor.size - from < leastRest) return body
    const stop = new AbortController()
    const signal = AbortSignal.any([outer, stop.signal])
    const onSplit = () => {
      wasSplit = true
    }
    const latency = now() - asked
    const first = addAbortSignal(signal, body)
    return openOutlet(
      (outlet) => joinParts(first, outlet, { ...options, blob, from, latency, now, signal, onSplit }),
      stop,
    )
  }
}

/** In bytes. */
const bufferSize = 128 * 1024

/** A stream that is filled by `fill`, which is told by `stop` when nobody wants any more of it. */
function openOutlet(fill: (outlet: Outlet) => Promise<void>, stop: AbortController): Readable {
  const waiting = new EventEmitter()
  const stream = new Readable({
    highWaterMark: bufferSize,
    read: () => void waiting.emit('wanted'),
    destroy(error, callback) {
      stop.abort()
      waiting.emit('wanted')
      filled.then(() => callback(error))
    },
  })
  const filled = fill({ push: (chunk) => stream.push(chunk), waiting }).then(
    () => void stream.push(null),
    (error) => void stream.destroy(error),
  )
  return stream
}
