import { setMaxListeners } from 'node:events'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Piece } from '../registry/fetch-blob.ts'
import { type ArrivingPart, receivePart } from './arriving-part.ts'
import { createIdleSlots, type IdleSlots } from './idle-slots.ts'

export interface PiecesAheadOptions {
  /** Where the first piece begins. */
  readonly from: number
  /** Where the last one ends. */
  readonly to: number
  /** Of the first piece, in bytes. */
  readonly trialSize: number
  /** Of the others, in bytes. */
  readonly pieceSize: number
  /** About so many bytes may wait in memory for those before them. */
  readonly memory: number
  /** Undefined when there are no pieces to be had. */
  readonly fetchPiece: (piece: Piece, signal: AbortSignal) => Promise<Readable | undefined>
  /** One of them is taken by each piece, while it is under way. */
  readonly slots: IdleSlots
  readonly signal: AbortSignal
}

/** The bytes of a blob from an offset on, by several connections, each with a piece at a time. */
export interface PiecesAhead {
  readonly from: number
  /** Bytes that have come, and were not taken yet. */
  readonly received: number
  /** True while nothing is under way. */
  readonly isIdle: boolean
  /** What came in the way of a piece; no other is begun then. */
  readonly problem: 'refused' | 'broken' | undefined
  /** Goes on after the first piece, in all slots that are idle. */
  goOn(): void
  /** Uses a connection of the caller's own as well. */
  lend(): void
  /** The bytes in their order, until there are none to wait for. */
  bytes(): AsyncGenerator<Buffer, void>
  /** Ends what is under way; resolves once no connection is in use any more. */
  stop(): Promise<void>
}

/** Begins with one piece, if there is a slot for it. What goes wrong with a piece only ends the pieces. */
export function fetchAhead(options: PiecesAheadOptions): PiecesAhead {
  const { from, to, memory, slots } = options
  const stopped = new AbortController()
  const signal = AbortSignal.any([options.signal, stopped.signal])
  setMaxListeners(0, signal)
  const own = createIdleSlots()
  const waiting: ArrivingPart[] = []
  const underWay = new Set<Promise<void>>()
  let isTrial = true
  let position = from
  let begun = from
  let problem: PiecesAhead['problem']

  const bytesWaiting = () =>
    waiting.reduce((sum, part) => sum + part.reached - Math.max(part.from, position), 0)
  const fill = () => {
    while (begun < to && !problem && !signal.aborted) {
      const slot = [own, slots].find((each) => each.take())
      if (!slot) return
      begin(slot)
    }
  }
  const begin = (slot: IdleSlots) => {
    const size = isTrial ? options.trialSize : options.pieceSize
    const piece = { from: begun, to: Math.min(begun + size, to) }
    begun = piece.to
    const isFull = () => part !== waiting[0] && bytesWaiting() >= memory
    const part: ArrivingPart = receivePart(open(piece), piece, isFull)
    waiting.push(part)
    const over = part.ended.then(() => {
      underWay.delete(over)
      slot.give()
      if (part.reached < part.to) problem ??= 'broken'
      if (!isTrial) fill()
    })
    underWay.add(over)
  }
  const open = async (piece: Piece) => {
    const body = await options.fetchPiece(piece, signal)
    if (!body) problem = 'refused'
    return body && addAbortSignal(signal, body)
  }
  if (slots.take()) begin(slots)

  return {
    from,
    get received() {
      return bytesWaiting()
    },
    get isIdle() {
      return underWay.size === 0
    },
    get problem() {
      return problem
    },
    goOn() {
      isTrial = false
      fill()
    },
    lend() {
      own.give()
      fill()
    },
    async *bytes() {
      for (let part = waiting[0]; part; part = waiting[0]) {
        for (;;) {
          const chunk = await part.next().catch(() => undefined)
          if (!chunk) break
          position += chunk.length
          for (const each of waiting) each.resume()
          yield chunk
        }
        if (position < part.to) return
        waiting.shift()
        waiting[0]?.resume()
      }
    },
    async stop() {
      stopped.abort()
      await Promise.all(underWay)
    },
  }
}
