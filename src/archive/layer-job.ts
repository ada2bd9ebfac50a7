import { createHash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DrayError } from '../errors.ts'
import { type Digest, digestAlgorithm, finishDigest } from '../oci/digest.ts'
import { type Arrival, interrupted } from '../store/arrival.ts'
import { fileError } from '../streams/file-error.ts'
import { inflate } from '../streams/inflate.ts'
import { mismatch } from '../streams/verify.ts'

/** A layer to be written into an archive. Plain data: it may cross to another thread. */
export interface LayerJob {
  /** Names the layer in messages. */
  readonly what: string
  /** An open file with the blob, as far as it has arrived. */
  readonly blob: number
  /** The archive, an open file, and what it is called in messages. */
  readonly archive: number
  readonly path: string
  /** Where in the archive the content begins, in bytes. */
  readonly position: number
  /** Whether the content is what the blob stands for uncompressed, or the blob as it is. */
  readonly isInflated: boolean
  /** Of the content. */
  readonly digest: Digest
}

export interface LayerJobOptions {
  readonly signal: AbortSignal
  /** Told after every write how much it was, in bytes. */
  readonly onWritten?: (size: number) => void
}

/** A thread has one job at a time. */
const piece = Buffer.allocUnsafe(256 * 1024)

/**
 * Reads a blob as far as it has arrived, inflates and verifies it, and writes it to its place; resolves to the size of the
 * content. All of it is synchronous but for the waiting, which makes it fast in a thread that has nothing else to do.
 * Throws INTEGRITY when the content is wrong or its blob was taken back, FILE, and the reason of `signal`.
 */
export async function runLayerJob(
  job: LayerJob,
  arrival: Arrival,
  { signal, onWritten }: LayerJobOptions,
): Promise<number> {
  const algorithm = digestAlgorithm(job.digest)
  const hash = createHash(algorithm)
  const blob = readArrival(job, arrival, signal)
  let size = 0
  for await (const chunk of job.isInflated ? inflate(blob, job.what) : blob) {
    hash.update(chunk)
    writeFully(job, chunk, job.position + size)
    size += chunk.length
    onWritten?.(chunk.length)
  }
  const problem = mismatch(job, { digest: finishDigest(hash, algorithm), size }, job.what)
  if (problem) throw problem
  return size
}

/** The pieces share their memory. */
async function* readArrival(
  { blob, what }: LayerJob,
  arrival: Arrival,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { interruptions } = arrival
  let position = 0
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
}

function readSome(file: number, buffer: Buffer, position: number, what: string): number {
  try {
    return readSync(file, buffer, 0, buffer.length, position)
  } catch (error) {
    throw fileError(`read ${what}`, error)
  }
}

/** However little the system takes at a time. */
function writeFully({ archive, path }: LayerJob, chunk: Buffer, position: number): void {
  const action = `write ${path} after ${position} bytes`
  let written = 0
  while (written < chunk.length) {
    const count = writeSome(archive, chunk.subarray(written), position + written, action)
    if (count === 0) throw new DrayError('FILE', `cannot ${action}: the system takes no more`)
    written += count
  }
}

function writeSome(file: number, chunk: Buffer, position: number, action: string): number {
  try {
    return writeSync(file, chunk, 0, chunk.length, position)
  } catch (error) {
    throw fileError(action, error)
  }
}
