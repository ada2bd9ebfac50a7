import type { FileHandle } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { fileError } from './file-error.ts'

export interface FileSinkOptions {
  /** Where in the file the first byte goes. */
  readonly position: number
  /** Names the file in messages. */
  readonly path: string
  /** Sees every chunk before it is written; what it throws fails the stream. */
  readonly onChunk?: (chunk: Buffer) => void
  /** Told after every write how far the file reaches now. */
  readonly onWritten?: (position: number) => void
}

/**
 * Writes a stream into an open file from a position on. What arrives during one write goes out together in the next.
 * Fails with FILE. Ending or destroying it leaves the file open.
 */
export function fileSink(
  file: FileHandle,
  { position: start, path, onChunk, onWritten }: FileSinkOptions,
): Writable {
  let position = start
  const write = async (chunks: readonly Buffer[]) => {
    if (onChunk) for (const chunk of chunks) onChunk(chunk)
    position = await writeAll(file, chunks, { position, path })
    onWritten?.(position)
  }
  return new Writable({
    highWaterMark: 1024 * 1024,
    writev(chunks, done) {
      write(chunks.map(({ chunk }) => chunk)).then(() => done(), done)
    },
  })
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
  try {
    return (await file.writev(buffers, position)).bytesWritten
  } catch (error) {
    throw fileError(`write ${path} after ${position} bytes`, error)
  }
}

function dropBytes(buffers: Uint8Array[], count: number): Uint8Array[] {
  let left = count
  return buffers.flatMap((buffer) => {
    const dropped = Math.min(left, buffer.length)
    left -= dropped
    return dropped < buffer.length ? [buffer.subarray(dropped)] : []
  })
}
