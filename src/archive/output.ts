import type { ArchiveEntry } from './archive-format.ts'

/** Where an archive goes. */
export interface Output {
  /** As the user named it; `-` for a stream without a name. */
  readonly path: string
  /** Writes one entry. One that failed may be appended again. Throws FILE, PIPE_CLOSED and what the entry throws. */
  append(entry: ArchiveEntry, signal: AbortSignal): Promise<void>
  /** Ends the archive and lets it appear; resolves to its size in bytes. Throws FILE and PIPE_CLOSED. */
  commit(signal: AbortSignal): Promise<{ readonly size: number }>
  /** Leaves nothing behind, as far as that is possible. Never throws; does nothing after {@link commit}. */
  abort(): Promise<void>
}
