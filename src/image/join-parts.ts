import { type EventEmitter, once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { fetchAhead, type PiecesAhead } from './pieces-ahead.ts'
import { createScout, leastGain, type Scout } from './scout.ts'
import { createSpeedometer } from './speedometer.ts'
import type { RemoteBlob, SplitOptions } from './split-blob.ts'

export interface JoinOptions extends SplitOptions {
  readonly blob: RemoteBlob
  /** Where the first body begins. */
  readonly from: number
  /** How long it took until that came, in milliseconds. */
  readonly latency: number
  readonly now: () => number
  readonly signal: AbortSignal
  /** Told before a piece is asked for. */
  readonly onSplit: () => void
}

/** How often pieces are tried in vain until their repository is left alone: a bad moment of ours is no proof. */
const mostChances = 2

/** Where the bytes go. */
export interface Outlet {
  /** False when that is enough for now. */
  push(chunk: Buffer): boolean
  /** Tells by the event `wanted` that there is room again, or that nobody wants any more. */
  readonly waiting: EventEmitter
}

/** The bytes of a blob, in their order: what one connection brings, then pieces, then perhaps one connection again. */
export async function joinParts(first: Readable, outlet: Outlet, options: JoinOptions): Promise<void> {
  const { repository, descriptor } = options.blob
  const { unfit, signal } = options
  let chances = mostChances
  const failed = () => {
    chances -= 1
    if (chances === 0) unfit.add(repository)
  }
  const sendScout = () => (unfit.has(repository) ? undefined : scoutFor(options))

  let body = first
  let position = options.from
  for (;;) {
    const split = await pourBody(body, outlet, { ...options, from: position, sendScout, failed })
    if (!split) return
    position = await pourPieces(split, outlet, options)
    if (position === descriptor.size) return
    if (position - split.ahead.from > piecesTogether) chances = mostChances
    else failed()
    signal.throwIfAborted()
    body = await repository.fetchBlob(descriptor, position, signal)
  }
}

/** Bytes of pieces that wait in memory. More of them would outlive the collections of young garbage, and then take more room. */
const memoryForPieces = 3 * 1024 * 1024
/** Of the pieces under way at one time. When they take turns, up to half of it has come too early: what memory does not hold, the wire does. */
const piecesTogether = 4 * memoryForPieces
const leastPiece = 256 * 1024

function scoutFor({ blob, jobs, latency, now, signal, slots, onSplit }: JoinOptions): Scout {
  const { descriptor, repository } = blob
  return createScout({
    size: descriptor.size,
    latency,
    slots,
    now,
    fetchAhead(from, trialSize, speed) {
      onSplit()
      return fetchAhead({
        from,
        to: descriptor.size,
        trialSize,
        pieceSize: pieceSize(speed, jobs),
        memory: memoryForPieces,
        fetchPiece: (piece, stop) => repository.fetchPiece(descriptor, piece, stop),
        slots,
        signal,
      })
    },
  })
}

/** A second's worth, that requests may not cost more than they bring, as far as there is room for them. */
function pieceSize(speed: number, jobs: number): number {
  return Math.max(leastPiece, Math.min(Math.round(speed), Math.floor(piecesTogether / jobs)))
}

interface Split {
  readonly ahead: PiecesAhead
  /** Of one connection, in bytes per second. */
  readonly speed: number
}

interface PourOptions extends JoinOptions {
  /** Undefined when there is nothing to find out any more. */
  readonly sendScout: () => Scout | undefined
  /** Told when pieces were tried in vain. */
  readonly failed: () => void
}

/** Up to where pieces go on, if they do. */
async function pourBody(
  body: Readable,
  outlet: Outlet,
  { from, blob: { repository }, unfit, sendScout, failed }: PourOptions,
): Promise<Split | undefined> {
  let position = from
  let scout = sendScout()
  let split: Split | undefined
  const consider = (bytes: number) => {
    const verdict = scout?.arrived(bytes, position) ?? 'open'
    if (!scout || verdict === 'open') return
    const { ahead, speed } = scout
    if (verdict === 'split' && ahead) {
      split = { ahead, speed }
      ahead.goOn()
      return
    }
    if (verdict === 'refused') unfit.add(repository)
    if (ahead) failed()
    ahead?.stop()
    scout = ahead && sendScout()
  }
  const resume = () => body.resume()
  outlet.waiting.on('wanted', resume)
  body.on('data', (chunk: Buffer) => {
    const bytes = chunk.subarray(0, split && split.ahead.from - position)
    position += bytes.length
    if (!outlet.push(bytes)) {
      body.pause()
      scout?.heldUp()
    }
    if (!split) consider(bytes.length)
    if (position === split?.ahead.from) body.destroy()
  })
  const problem = await finished(body, { writable: false }).catch((error: unknown) => error)
  outlet.waiting.off('wanted', resume)
  if (split && position === split.ahead.from) return split
  await scout?.ahead?.stop()
  if (problem) throw problem
  return undefined
}

/** How long pieces are watched for whether they are worth it, in milliseconds. */
const timeBetweenLooks = 4000

/** As long as they come, and come faster than by one connection. Resolves with how far they came. */
async function pourPieces(
  { ahead, speed }: Split,
  { push, waiting }: Outlet,
  { blob: { repository }, unfit, now, signal }: JoinOptions,
): Promise<number> {
  const speedometer = createSpeedometer(timeBetweenLooks, now)
  let position = ahead.from
  ahead.lend()
  try {
    for await (const chunk of ahead.bytes()) {
      // Known before it is pushed: then it is no longer ours.
      const { length } = chunk
      position += length
      if (!push(chunk) && !signal.aborted) await once(waiting, 'wanted')
      if (signal.aborted) break
      const together = speedometer.add(length)
      if (together === undefined) continue
      if (together < speed * leastGain) unfit.add(repository)
      if (unfit.has(repository)) break
      speedometer.reset()
    }
    if (ahead.problem === 'refused') unfit.add(repository)
    return position
  } finally {
    await ahead.stop()
  }
}
