import { isDrayError } from '../errors.ts'
import type { ArchiveEntry } from './archive-format.ts'
import type { Output } from './output.ts'

/**
 * Writes the entries in order. One that fails while its blob is still arriving is written once more when the blob is
 * whole: the bytes that it saw first may have been taken back. Throws what the entries and the output throw.
 */
export async function writeArchive(
  entries: Iterable<ArchiveEntry>,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of entries) {
    signal.throwIfAborted()
    try {
      await output.append(entry, signal)
    } catch (error) {
      if (signal.aborted || isAboutOutput(error) || entry.type !== 'file' || !entry.settled) throw error
      await entry.settled(signal)
      await output.append(entry, signal)
    }
  }
}

/** A full disk stays full, and a reader that left does not come back. */
function isAboutOutput(error: unknown): boolean {
  return isDrayError(error, 'FILE') || isDrayError(error, 'PIPE_CLOSED')
}
