import type { Readable } from 'node:stream'
import { type ArrivingPart, receivePart } from './arriving-part.ts'
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

/** The bytes of a blob, in their order: what one connection brings, then pieces, then perhaps one connection again. */
export async function* joinParts(first: Readable, options: JoinOptions): AsyncGenerator<Buffer, void> {
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
    const split = yield* pourBody(body, { ...options, from: position, sendScout, failed })
    if (!split) return
    position = yield* pourPieces(split, options)
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

/** Bytes that may wait for the disk. */
const bufferSize = 1024 * 1024

/** Up to where pieces go on, if they do. */
async function* pourBody(
  body: Readable,
  { from, blob: { descriptor, repository }, unfit, sendScout, failed }: PourOptions,
): AsyncGenerator<Buffer, Split | undefined> {
  let position = from
  const isFull = () => part.reached >= position + bufferSize
  const part: ArrivingPart = receivePart(body, { from, to: descriptor.size }, isFull)
  let scout = sendScout()
  let split: Split | undefined
  try {
    while (position !== split?.ahead.from) {
      const chunk = (await part.next())?.subarray(0, split && split.ahead.from - position)
      if (!chunk) return undefined
      position += chunk.length
      yield chunk
      if (isFull()) scout?.heldUp()
      part.resume()
      if (split || !scout) continue
      const verdict = scout.arrived(chunk.length, position)
      if (verdict === 'open') continue
      if (verdict === 'split' && scout.ahead) {
        split = { ahead: scout.ahead, speed: scout.speed }
        split.ahead.goOn()
        continue
      }
      if (verdict === 'refused') unfit.add(repository)
      if (scout.ahead) failed()
      await scout.ahead?.stop()
      scout = scout.ahead && sendScout()
    }
    return split
  } finally {
    part.close()
    await part.ended
    if (position !== split?.ahead.from) await scout?.ahead?.stop()
  }
}

/** How long pieces are watched for whether they are worth it, in milliseconds. */
const timeBetweenLooks = 4000

/** As long as they come, and come faster than by one connection. Resolves with how far they came. */
async function* pourPieces(
  { ahead, speed }: Split,
  { blob: { repository }, unfit, now }: JoinOptions,
): AsyncGenerator<Buffer, number> {
  const speedometer = createSpeedometer(timeBetweenLooks, now)
  let position = ahead.from
  ahead.lend()
  try {
    for await (const chunk of ahead.bytes()) {
      position += chunk.length
      yield chunk
      const together = speedometer.add(chunk.length)
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
