import type { FileHandle } from 'node:fs/promises'
import { fileError } from '../streams/file-error.ts'

/** Brings a file to the disk while it is being written, so that little is left to wait for at its end. */
export interface EarlyFlush {
  /** To be told after every write how much it was, in bytes, whoever wrote it. */
  count(size: number): void
  /**
   * Resolves when nothing is being flushed any more; nothing will be. Throws FILE when something could not be: the system
   * says so only once, so that a sync that succeeds later says nothing about it.
   */
  end(): Promise<void>
}

/** In bytes: enough to keep a disk busy for a moment. */
const enough = 32 * 1024 * 1024

/** Flushes a file whenever much of it is new, never twice at once. `path` is what it is called in messages. */
export function flushEarly(file: Pick<FileHandle, 'datasync'>, path: string): EarlyFlush {
  let fresh = 0
  let isOver = false
  let failure: unknown
  let flushing: Promise<void> | undefined
  const flush = async () => {
    fresh = 0
    try {
      await file.datasync()
    } catch (error) {
      failure ??= fileError(`write ${path}`, error)
    }
    flushing = undefined
    flushIfWorthwhile()
  }
  const flushIfWorthwhile = () => {
    if (fresh >= enough && !flushing && !failure && !isOver) flushing = flush()
  }
  return {
    count(size) {
      fresh += size
      flushIfWorthwhile()
    },
    async end() {
      isOver = true
      await flushing
      if (failure) throw failure
    },
  }
}
