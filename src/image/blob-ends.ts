import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Repository } from '../registry/repository.ts'
import type { RemoteBlob } from './split-blob.ts'

/** The last bytes of large blobs that are still to come: they tell how much a gzip blob holds. */
export interface BlobEnds {
  /** How those who wait for the end of a blob are told of it. */
  of(blob: RemoteBlob): BlobEnd
  /**
   * Asks for the end of a blob once the blob itself has been asked for, which is why caches on the way begin with that, if
   * so much is missing that it is worth it. Resolves, never fails, when there is nothing more to wait for.
   */
  ask(blob: RemoteBlob, signal: AbortSignal): Promise<void>
}

/** To be told how the blob itself is doing. */
export interface BlobEnd {
  /** Not verified; undefined when it is not to be had, or of no more use. */
  readonly bytes: Promise<Buffer | undefined>
  requested(): void
  received(count: number): void
  /** Nothing more comes. */
  over(): void
}

const endSize = 4
/** With less to come, in bytes, a blob is there soon after an answer. */
const worthAsking = 8 * 1024 * 1024
/** For how long the connection that asks may be kept from what it is to fetch, in milliseconds. */
const patience = 1000

export function createBlobEnds(): BlobEnds {
  const ends = new Map<RemoteBlob, PendingEnd>()
  const unfit = new Set<Repository>()
  const of = (blob: RemoteBlob) => {
    const end = ends.get(blob) ?? createEnd(blob)
    ends.set(blob, end)
    return end
  }
  return {
    of,
    async ask(blob, outer) {
      const { repository } = blob
      const end = of(blob)
      const isWorthIt = () => end.missing >= worthAsking && !unfit.has(repository)
      if (!isWorthIt()) return
      const signal = AbortSignal.any([outer, AbortSignal.timeout(patience)])
      await unlessAborted(end.isRequested, signal)
      if (signal.aborted || !isWorthIt()) return
      const bytes = await fetchEnd(blob, signal)
      if (!bytes) unfit.add(repository)
      end.resolve(bytes)
    },
  }
}

interface PendingEnd extends BlobEnd {
  readonly isRequested: Promise<void>
  /** In bytes. */
  readonly missing: number
  readonly resolve: (bytes: Buffer | undefined) => void
}

function createEnd({ descriptor: { size } }: RemoteBlob): PendingEnd {
  let missing = size
  let requested = () => {}
  let resolve: PendingEnd['resolve'] = () => {}
  const isRequested = new Promise<void>((settle) => {
    requested = settle
  })
  const bytes = new Promise<Buffer | undefined>((settle) => {
    resolve = settle
  })
  return {
    bytes,
    isRequested,
    resolve,
    requested,
    get missing() {
      return missing
    },
    received(count) {
      missing = size - count
    },
    over() {
      missing = 0
      requested()
      resolve(undefined)
    },
  }
}

function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    promise.then(resolve)
  })
}

/** Undefined when it fails, for whatever reason: the blob itself will tell. */
async function fetchEnd(
  { descriptor, repository }: RemoteBlob,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const { size } = descriptor
  try {
    const body = await repository.fetchPiece(descriptor, { from: size - endSize, to: size }, signal)
    return body && (await buffer(addAbortSignal(signal, body)))
  } catch {
    return undefined
  }
}
