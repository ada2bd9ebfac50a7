import { isDrayError } from '../errors.ts'
import type { ArchiveEntry } from './archive-format.ts'

/** Writes one entry after another. Throws what `write` throws, and the reason of `signal`. */
export async function writeInOrder(
  entries: Iterable<ArchiveEntry>,
  write: (entry: ArchiveEntry) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of entries) {
    signal.throwIfAborted()
    await onceMoreWhenSettled(entry, () => write(entry), signal)
  }
}

/**
 * Writes an entry. One that fails while its blob is still arriving is written once more when the blob is whole: the bytes
 * that it saw first may have been taken back.
 */
export async function onceMoreWhenSettled<T>(
  entry: ArchiveEntry,
  write: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (signal.aborted || isAboutOutput(error) || entry.type !== 'file' || !entry.settled) throw error
    await entry.settled(signal)
    return write()
  }
}

/** A full disk stays full, and a reader that left does not come back. */
function isAboutOutput(error: unknown): boolean {
  return isDrayError(error, 'FILE') || isDrayError(error, 'PIPE_CLOSED')
}
