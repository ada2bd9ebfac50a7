import type { Readable } from 'node:stream'
import { DrayError, isDrayError } from '../errors.ts'
import type { Verdict } from './verdict.ts'
import { verifyArchive } from './verify-archive.ts'
import { verifyFile } from './verify-file.ts'

export interface VerifyOptions {
  /** Ends it: rejects with ABORTED, or with the signal's reason when that is a DrayError. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Verifies an archive of images offline, in one pass and in little memory: every digest, size and diffID in it, and, for a
 * file, FILE.sha256 where there is one beside it. What is wrong with it stands in the verdict (`ok` is false then), as does
 * what is in it and who loads it. Throws a {@link DrayError}: FILE when it cannot be read.
 */
export async function verify(archive: string | Readable, { signal }: VerifyOptions = {}): Promise<Verdict> {
  try {
    if (typeof archive === 'string') return await verifyFile(archive, { signal })
    return await verifyArchive(archive, { name: '-', signal })
  } catch (error) {
    if (!signal?.aborted || isDrayError(error)) throw error
    throw new DrayError('ABORTED', 'the verification was cancelled', { cause: error })
  }
}
