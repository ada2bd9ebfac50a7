import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DrayError } from '../errors.ts'

export interface SmallFileOptions {
  /** Somebody has named it, perhaps as `<(…)`: then what it says is waited for. */
  readonly mayBePipe?: boolean | undefined
}

/** In bytes. */
const limit = 4 * 1024 * 1024

/**
 * The text of a file that people write settings into. What lies there may be anything: unless `mayBePipe`, nothing but a
 * file is read, and no pipe opened so that it waits for a writer, which would hold up the end of the process as well.
 * Rejects with FILE for what is no file or more than 4 MiB, and as the system does.
 */
export async function readSmallFile(
  path: string,
  { mayBePipe = false }: SmallFileOptions = {},
): Promise<string> {
  // Windows has no such flag, and no such pipes.
  const withoutWaiting = mayBePipe ? 0 : (constants.O_NONBLOCK ?? 0)
  const file = await open(path, constants.O_RDONLY | withoutWaiting)
  try {
    const stats = await file.stat()
    if (stats.isDirectory() || !(stats.isFile() || mayBePipe))
      throw new DrayError('FILE', `${path} is no file`)
    const bytes = await readUpTo(file, limit + 1)
    if (bytes.length <= limit) return bytes.toString()
    throw new DrayError('FILE', `${path} is too large: more than ${limit / 1024 / 1024} MiB`)
  } finally {
    await file.close()
  }
}

async function readUpTo(file: FileHandle, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let rest = most
  while (rest > 0) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(rest, 64 * 1024)))
    if (bytesRead === 0) break
    chunks.push(buffer.subarray(0, bytesRead))
    rest -= bytesRead
  }
  return Buffer.concat(chunks)
}
