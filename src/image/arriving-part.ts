import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Piece } from '../registry/fetch-blob.ts'

/** Bytes of a blob that come by one connection, and wait here until they are taken. */
export interface ArrivingPart extends Piece {
  /** How far it has come. */
  readonly reached: number
  /** Settles, never fails, once nothing more comes, and its connection is free. */
  readonly ended: Promise<void>
  /** Its next bytes; undefined after the last one. Throws what came in the way. */
  next(): Promise<Buffer | undefined>
  /** Goes on after it was full, if it is no more. */
  resume(): void
}

/**
 * Receives what a body brings; undefined stands for one that is not to be had. While `isFull` says so, the rest is left
 * on the wire.
 */
export function receivePart(
  opening: Promise<Readable | undefined>,
  { from, to }: Piece,
  isFull: () => boolean,
): ArrivingPart {
  const chunks: Buffer[] = []
  let body: Readable | undefined
  let reached = from
  let problem: unknown
  let isOver = false
  let wake = () => {}

  const receive = async () => {
    body = await opening
    body?.on('data', (chunk: Buffer) => {
      if (chunk.length > to - reached) return void body?.destroy()
      chunks.push(chunk)
      reached += chunk.length
      if (isFull()) body?.pause()
      wake()
    })
    if (body) await finished(body, { writable: false })
  }
  const ended = receive()
    .catch((error) => {
      problem = error
    })
    .finally(() => {
      isOver = true
      wake()
    })

  return {
    from,
    to,
    ended,
    get reached() {
      return reached
    },
    async next() {
      while (chunks.length === 0 && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const chunk = chunks.shift()
      if (!chunk && problem) throw problem
      return chunk
    },
    resume() {
      if (!isFull()) body?.resume()
    },
  }
}
