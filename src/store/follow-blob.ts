import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DrayError } from '../errors.ts'
import { type Arrival, interrupted } from './arrival.ts'
import { closeRead, openForReading, readAt } from './blob-files.ts'

export interface FollowOptions {
  /** Where the blob is when it is whole. */
  readonly whole: string
  /** Names the blob in messages. */
  readonly what: string
  readonly signal: AbortSignal
}

/** Large enough to be fast; while the blob arrives, smaller pieces are not worth a read. */
const pieceSize = 512 * 1024

/**
 * Reads a blob as far as it has arrived, waits for more, and ends when it is whole. Fails with INTEGRITY when bytes
 * that were read have been taken back, or when the writer has given up: a new reader finds what comes next.
 */
export function followBlob(arrival: Arrival, { whole, what, signal }: FollowOptions): Readable {
  const stopped = new AbortController()
  let file: FileHandle | undefined
  let position = 0
  let interruptions = 0
  let reading = Promise.resolve()

  const readNext = async (): Promise<Buffer | null> => {
    const length = await waitForBytes()
    if (length === 0) return null
    file ??= await openBlob(arrival, whole).catch((error) => {
      throw arrival.interruptions === interruptions ? error : interrupted(what)
    })
    const buffer = Buffer.allocUnsafe(length)
    const count = await readAt(file, buffer, { position, path: whole })
    if (count === 0 || arrival.interruptions !== interruptions) throw interrupted(what)
    position += count
    return buffer.subarray(0, count)
  }

  /** How many bytes to read next; 0 at the end. */
  const waitForBytes = async (): Promise<number> => {
    for (;;) {
      if (position === 0) interruptions = arrival.interruptions
      if (interruptions !== arrival.interruptions) throw interrupted(what)
      const ahead = arrival.available - position
      if (ahead >= pieceSize || arrival.isWhole) return Math.min(ahead, pieceSize)
      await arrival.change(stopped.signal)
    }
  }

  return new Readable({
    highWaterMark: 2 * pieceSize,
    signal,
    read() {
      reading = readNext().then(
        (piece) => void this.push(piece),
        (error) => void this.destroy(error),
      )
    },
    destroy(error, done) {
      stopped.abort()
      reading.then(() => file && closeRead(file)).then(() => done(error), done)
    },
  })
}

/** Opens the file of a blob as soon as there is one. Throws FILE, and the reason of `signal`. */
export async function openArriving(
  arrival: Arrival,
  whole: string,
  signal: AbortSignal,
): Promise<FileHandle> {
  for (;;) {
    const { interruptions } = arrival
    while (!arrival.isWhole && arrival.available === 0) await arrival.change(signal)
    try {
      return await openBlob(arrival, whole)
    } catch (error) {
      if (arrival.interruptions === interruptions) throw error
    }
  }
}

/** The writer may be renaming it just now. */
async function openBlob({ place, isWhole }: Arrival, whole: string): Promise<FileHandle> {
  const arriving = isWhole || place === undefined ? undefined : await openForReading(place)
  const file = arriving ?? (await openForReading(whole))
  if (!file) throw new DrayError('FILE', `cannot read ${whole}: someone has removed it`)
  return file
}
