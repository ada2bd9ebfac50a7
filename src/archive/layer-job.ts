import { readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Arrival, interrupted } from '../store/arrival.ts'
import { fileError } from '../streams/file-error.ts'
import { inflateInBatches } from '../streams/inflate.ts'
import type { LayerSink } from './layer-sink.ts'

/** A layer to be made of a blob. Plain data: it may cross to another thread. */
export interface LayerJob {
  /** Names the layer in messages. */
  readonly what: string
  /** An open file with the blob, as far as it has arrived. */
  readonly blob: number
  /** Whether the content is what the blob stands for uncompressed, or the blob as it is. */
  readonly isInflated: boolean
}

export interface LayerJobOptions {
  readonly signal: AbortSignal
  /** Told after every write how much memory is of no more use, in bytes. */
  readonly onGarbage?: (size: number) => void
}

const pieceSize = 256 * 1024
/** What the layers before have read into: outside of V8's heap, garbage of this size would pile up. */
const spares: Buffer[] = []

/**
 * Reads a blob as far as it has arrived, inflates it, and writes it to a sink; resolves to the size of the content. All of
 * it is synchronous but for the waiting, which makes it fast in a thread that has nothing else to do.
 * Throws INTEGRITY when the blob is corrupt or was taken back, FILE, what the sink throws, and the reason of `signal`.
 */
export async function runLayerJob(
  job: LayerJob,
  arrival: Arrival,
  sink: LayerSink,
  { signal, onGarbage }: LayerJobOptions,
): Promise<number> {
  const blob = readArrival(job, arrival, signal)
  let size = 0
  for await (const batch of job.isInflated ? inflateInBatches(blob, job.what) : inBatches(blob)) {
    const written = sink.write(batch)
    size += written
    onGarbage?.(written)
  }
  sink.end()
  return size
}

async function* inBatches(pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  for await (const piece of pieces) yield [piece]
}

/** The pieces share their memory. */
async function* readArrival(
  { blob, what }: LayerJob,
  arrival: Arrival,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { interruptions } = arrival
  const piece = spares.pop() ?? Buffer.allocUnsafeSlow(pieceSize)
  let position = 0
  try {
    for (;;) {
      // In between, news come in.
      await nextTurn()
      signal.throwIfAborted()
      if (arrival.interruptions !== interruptions) throw interrupted(what)
      const ahead = arrival.available - position
      if (ahead > 0) {
        const count = readSome(blob, piece.subarray(0, ahead), position, what)
        if (count === 0) throw interrupted(what)
        position += count
        yield piece.subarray(0, count)
      } else if (arrival.isWhole) return
      else await arrival.change(signal)
    }
  } finally {
    spares.push(piece)
  }
}

function readSome(file: number, buffer: Buffer, position: number, what: string): number {
  try {
    return readSync(file, buffer, 0, buffer.length, position)
  } catch (error) {
    throw fileError(`read ${what}`, error)
  }
}
