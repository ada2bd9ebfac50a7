import type { FileHandle } from 'node:fs/promises'
import { type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors.ts'
import { fileError } from './file-error.ts'

export interface FileSinkOptions {
  /** Where in the file the first byte goes. */
  readonly position: number
  /** Names the file in messages. */
  readonly path: string
  /** Sees every chunk before it is written; what it throws fails the stream. */
  readonly onChunk?: (chunk: Buffer) => void
  /** Told after every write how far the file reaches now, and what was written. */
  readonly onWritten?: (position: number, chunks: readonly Buffer[]) => void
}

/**
 * Writes all of a stream into an open file. Once it has settled, nothing is written any more, so that the file can be
 * closed, or other bytes take the place of these. Throws FILE, what the stream throws, and the reason of `signal`.
 */
export async function pipeToFile(
  source: Readable,
  file: FileHandle,
  { signal, ...options }: FileSinkOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const sink = fileSink(file, options)
  const closed = new Promise((resolve) => sink.once('close', resolve))
  await pipeline(source, sink, { signal }).finally(() => closed)
}

/** In bytes: so much may wait while as much is being written. */
const room = 512 * 1024

/**
 * Writes a stream into an open file from a position on. What arrives during one write goes out together in the next, and
 * there is room for it as soon as that one has begun, so that reading and writing do not wait for each other.
 * Fails with FILE. Ending or destroying it leaves the file open; it closes when its last write is over.
 */
export function fileSink(
  file: FileHandle,
  { position: start, path, onChunk, onWritten }: FileSinkOptions,
): Writable {
  let position = start
  let waiting: Buffer[] = []
  let size = 0
  /** Called when there is room again. */
  let held: (() => void) | undefined
  let writing: Promise<void> | undefined
  const writeWaiting = async () => {
    while (waiting.length > 0 && !sink.destroyed) {
      const chunks = waiting
      waiting = []
      size = 0
      const done = held
      // Before it is called, for the next chunk may come at once.
      held = undefined
      done?.()
      position = await writeAll(file, chunks, { position, path })
      onWritten?.(position, chunks)
    }
    writing = undefined
  }
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        onChunk?.(chunk)
      } catch (error) {
        return done(error as Error)
      }
      waiting.push(chunk)
      size += chunk.length
      if (size < room) done()
      else held = done
      // Known before it begins, for it may end in the stream being destroyed.
      writing ??= Promise.resolve()
        .then(writeWaiting)
        .catch((error) => void sink.destroy(error))
    },
    final(done) {
      Promise.resolve(writing).then(() => done(), done)
    },
    destroy(error, done) {
      Promise.resolve(writing).then(() => done(error))
    },
  })
  return sink
}

/** Writes all of it at a position, however little the system takes at a time; resolves to the position after it. */
export async function writeAll(
  file: FileHandle,
  buffers: readonly Uint8Array[],
  { position, path }: { readonly position: number; readonly path: string },
): Promise<number> {
  let end = position
  let rest = buffers.filter(({ length }) => length > 0)
  while (rest.length > 0) {
    const written = await writeSome(file, rest, end, path)
    end += written
    rest = dropBytes(rest, written)
  }
  return end
}

async function writeSome(
  file: FileHandle,
  buffers: Uint8Array[],
  position: number,
  path: string,
): Promise<number> {
  const action = `write ${path} after ${position} bytes`
  try {
    const { bytesWritten } = await file.writev(buffers, position)
    if (bytesWritten === 0) throw new DrayError('FILE', `cannot ${action}: the system takes no more`)
    return bytesWritten
  } catch (error) {
    throw error instanceof DrayError ? error : fileError(action, error)
  }
}

/** Without the first bytes, such as have been written; what is cut shares its memory. */
export function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count
  return buffers.flatMap((buffer) => {
    const dropped = Math.min(left, buffer.length)
    left -= dropped
    return dropped < buffer.length ? [buffer.subarray(dropped)] : []
  })
}
