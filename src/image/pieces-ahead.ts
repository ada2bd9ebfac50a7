import { setMaxListeners } from 'node:events'
import { addAbortSignal, type Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Piece } from '../registry/fetch-blob.ts'
import type { IdleSlots } from './idle-slots.ts'

export interface PiecesAheadOptions {
  /** Where the first piece begins. */
  readonly from: number
  /** Where the last one ends. */
  readonly to: number
  /** Of the first piece, in bytes. */
  readonly trialSize: number
  /** Of the others, in bytes: there is one more of them in memory than there are connections, at most. */
  readonly pieceSize: number
  /** Undefined when there are no pieces to be had. */
  readonly fetchPiece: (piece: Piece, signal: AbortSignal) => Promise<Readable | undefined>
  readonly slots: IdleSlots
  readonly signal: AbortSignal
}

/** The bytes of a blob from an offset on, by several connections, each with a piece at a time. */
export interface PiecesAhead {
  readonly from: number
  /** Bytes that have come. */
  readonly received: number
  /** True while nothing is under way. */
  readonly isIdle: boolean
  /** What came in the way of a piece; no other is begun then. */
  readonly problem: 'refused' | 'broken' | undefined
  /** Lets it go on, in any slot that is idle, and by so many connections of the caller's own. */
  widen(connections: number): void
  /** The next bytes, in their order; undefined when there are none to wait for. */
  next(): Promise<Buffer | undefined>
  /** Ends what is under way; resolves once no connection is in use any more, and the slots are given back. */
  stop(): Promise<void>
}

interface ArrivingPiece extends Piece {
  readonly chunks: Buffer[]
  /** Of its bytes, how many are still to come. */
  missing: number
  /** Nothing more comes of it. */
  isOver: boolean
}

/** Begins with one piece, in a slot that the caller has taken. What goes wrong with a piece only ends the pieces. */
export function fetchAhead(options: PiecesAheadOptions): PiecesAhead {
  const { from, to, slots } = options
  const stopped = new AbortController()
  const signal = AbortSignal.any([options.signal, stopped.signal])
  setMaxListeners(0, signal)
  const pieces: ArrivingPiece[] = []
  const underWay = new Set<Promise<void>>()
  let connections = 1
  let taken = 1
  let isWide = false
  let begun = from
  let received = 0
  let problem: PiecesAhead['problem']
  let wake = () => {}

  const begin = () => {
    const end = Math.min(begun + (begun === from ? options.trialSize : options.pieceSize), to)
    const piece = { from: begun, to: end, chunks: [], missing: end - begun, isOver: false }
    begun = end
    pieces.push(piece)
    const fetching = fetchInto(piece)
      .catch(() => {
        problem ??= 'broken'
      })
      .finally(() => {
        piece.isOver = true
        underWay.delete(fetching)
        fill()
        wake()
      })
    underWay.add(fetching)
  }
  const fill = () => {
    if (problem || signal.aborted) return
    for (; isWide && begun < to && slots.take(); taken += 1) connections += 1
    const most = isWide ? connections + 1 : 1
    while (begun < to && underWay.size < connections && pieces.length < most) begin()
  }
  const fetchInto = async (piece: ArrivingPiece) => {
    const body = await options.fetchPiece(piece, signal)
    if (!body) {
      problem = 'refused'
      return
    }
    addAbortSignal(signal, body).on('data', (chunk: Buffer) => {
      if (chunk.length > piece.missing) return void body.destroy()
      piece.chunks.push(chunk)
      piece.missing -= chunk.length
      received += chunk.length
      wake()
    })
    await finished(body)
    if (piece.missing > 0) problem ??= 'broken'
  }
  fill()

  return {
    from,
    get received() {
      return received
    },
    get isIdle() {
      return underWay.size === 0
    },
    get problem() {
      return problem
    },
    widen(more) {
      connections += more
      isWide = true
      fill()
    },
    async next() {
      for (;;) {
        const piece = pieces[0]
        if (!piece) return undefined
        const chunk = piece.chunks.shift()
        if (chunk) return chunk
        if (piece.missing === 0) {
          pieces.shift()
          fill()
        } else if (piece.isOver) {
          return undefined
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
    async stop() {
      stopped.abort()
      await Promise.all(underWay)
      wake()
      for (; taken > 0; taken -= 1) slots.give()
    },
  }
}
