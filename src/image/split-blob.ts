import { addAbortSignal, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Repository } from '../registry/repository.ts'
import type { BlobSource } from '../store/blob-store.ts'
import type { IdleSlots } from './idle-slots.ts'
import { fetchAhead, type PiecesAhead, type PiecesAheadOptions } from './pieces-ahead.ts'
import { createScout, leastGain, type Scout } from './scout.ts'

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
  const { slots, unfit, now = () => performance.now() } = options
  const { repository, descriptor } = blob
  let wasSplit = false
  return async (from, signal) => {
    const asked = now()
    const body = await repository.fetchBlob(descriptor, from, signal)
    const latency = now() - asked
    if (wasSplit || unfit.has(repository) || descriptor.size - from < leastRest) return body
    const scouting = () =>
      createScout({
        size: descriptor.size,
        latency,
        slots,
        now,
        fetchAhead(start, trialSize, speed) {
          wasSplit = true
          const sizes = { trialSize, pieceSize: pieceSize(speed, options.jobs) }
          return fetchPieces(blob, { from: start, ...sizes, slots, signal })
        },
      })
    return joinParts(body, { blob, from, scouting, unfit, now, signal })
  }
}

const memoryForPieces = 16 * 1024 * 1024
const leastPiece = 256 * 1024

/** A second's worth, that requests may not cost more than they bring, as far as memory allows. */
function pieceSize(speed: number, jobs: number): number {
  const most = Math.floor(memoryForPieces / (jobs + 1))
  return Math.max(leastPiece, Math.min(Math.round(speed), most))
}

function fetchPieces(
  { repository, descriptor }: RemoteBlob,
  options: Omit<PiecesAheadOptions, 'to' | 'fetchPiece'>,
): PiecesAhead {
  return fetchAhead({
    ...options,
    to: descriptor.size,
    fetchPiece: (piece, signal) => repository.fetchPiece(descriptor, piece, signal),
  })
}

interface JoinOptions {
  readonly blob: RemoteBlob
  readonly from: number
  readonly scouting: () => Scout
  readonly unfit: Set<Repository>
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Enough to keep the connection busy while the disk is. */
const bufferSize = 1024 * 1024
/** How often pieces are tried until the blob goes on with one connection for good. */
const mostChances = 3
/** In milliseconds. */
const timeBetweenLooks = 2000

/** One stream of what one connection brings, then of pieces, then perhaps of one connection again. */
function joinParts(first: Readable, options: JoinOptions): Readable {
  const { unfit, now, signal } = options
  const { repository, descriptor } = options.blob
  let body = first
  let scout: Scout | undefined = options.scouting()
  let position = options.from
  let chances = mostChances
  let onRead = () => {}
  const output = new Readable({
    highWaterMark: bufferSize,
    read() {
      body.resume()
      onRead()
    },
    destroy(error, callback) {
      body.destroy()
      scout?.ahead?.stop()
      onRead()
      callback(error)
    },
  })

  /** The pieces to go on with where the body was left, if it was not poured to its end. */
  const pourBody = async (): Promise<PiecesAhead | undefined> => {
    let next: PiecesAhead | undefined
    body.on('data', (chunk: Buffer) => {
      const bytes = next ? chunk.subarray(0, next.from - position) : chunk
      position += bytes.length
      scout?.arrived(bytes.length, position)
      if (!output.push(bytes)) {
        body.pause()
        scout?.heldUp()
      }
      next ??= consider()
      if (position === next?.from) body.destroy()
    })
    const problem = await finished(body, { writable: false }).catch((error: unknown) => error)
    if (position === next?.from) return next
    if (problem) throw problem
    return undefined
  }
  const consider = (): PiecesAhead | undefined => {
    if (!scout || scout.verdict === 'open') return undefined
    if (scout.verdict === 'split') {
      scout.ahead?.widen(0)
      return scout.ahead
    }
    if (scout.verdict === 'never') unfit.add(repository)
    scout.ahead?.stop()
    scout = scout.ahead && tryAgain()
    return undefined
  }
  const tryAgain = (): Scout | undefined => {
    chances -= 1
    return chances > 0 && !unfit.has(repository) ? options.scouting() : undefined
  }
  /** As long as they come, and come faster than by one connection. */
  const pourPieces = async (ahead: PiecesAhead, speed: number) => {
    let mark = { time: now(), position }
    ahead.widen(1)
    for (;;) {
      const chunk = await ahead.next()
      if (!chunk || output.destroyed) break
      position += chunk.length
      if (!output.push(chunk)) {
        await new Promise<void>((resolve) => {
          onRead = resolve
        })
      }
      const elapsed = now() - mark.time
      if (elapsed < timeBetweenLooks) continue
      if (((position - mark.position) / elapsed) * 1000 < speed * leastGain) unfit.add(repository)
      if (unfit.has(repository)) break
      mark = { time: now(), position }
    }
    if (ahead.problem === 'refused') unfit.add(repository)
    await ahead.stop()
  }
  const run = async () => {
    for (;;) {
      const ahead = await pourBody()
      if (!ahead || !scout) return
      await pourPieces(ahead, scout.speed)
      if (position === descriptor.size || output.destroyed) return
      body = await repository.fetchBlob(descriptor, position, signal)
      if (output.destroyed) body.destroy()
      scout = tryAgain()
    }
  }
  run().then(
    () => output.push(null),
    (error) => output.destroy(error),
  )
  return addAbortSignal(signal, output)
}
