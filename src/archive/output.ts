import type { ArchiveEntry } from './archive-format.ts'

/** Where an archive goes. */
export interface Output {
  /** As the user named it; `-` for a stream without a name. */
  readonly path: string
  /** Writes the entries, in their order; called once. Throws FILE, PIPE_CLOSED, what the entries throw, and the reason of `signal`. */
  write(entries: Iterable<ArchiveEntry>, signal: AbortSignal): Promise<void>
  /** Ends the archive and lets it appear; resolves to its size in bytes. Throws FILE and PIPE_CLOSED. */
  commit(signal: AbortSignal): Promise<{ readonly size: number }>
  /** Leaves nothing behind, as far as that is possible. Never throws; does nothing after {@link commit}. */
  abort(): Promise<void>
}
