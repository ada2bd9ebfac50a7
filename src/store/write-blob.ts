import type { FileHandle } from 'node:fs/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { fileError } from '../streams/file-error.ts'
import { isBusy, moveFile } from '../streams/move-file.ts'
import { type BlobFiles, isNameOf, removeFile } from './blob-files.ts'
import type { BlobSource } from './blob-store.ts'
import { checkBlob } from './check-blob.ts'
import { leavePartial, openPartial, type Partial } from './open-partial.ts'
import { receiveBlob } from './receive-blob.ts'

export interface BlobWrite {
  readonly descriptor: Descriptor
  readonly files: BlobFiles
  readonly source: BlobSource
  readonly signal: AbortSignal
  /** This is the file that the bytes go to. */
  readonly onOpen: (path: string) => void
  /** The first so many bytes are there. */
  readonly onAvailable: (size: number) => void
  /** What was there has been thrown away. */
  readonly onDiscard: () => void
}

/**
 * Brings a blob into its file: goes on from what an earlier attempt left, verifies size and digest, renames. What does
 * not match is thrown away and fetched once more from the start: an old beginning or a bad moment may have spoilt it.
 * Throws INTEGRITY when it still does not match, FILE, and whatever the source throws; then what has arrived stays.
 */
export async function writeBlob(write: BlobWrite): Promise<void> {
  if ((await attempt(write, { fresh: false })) === null) return
  const problem = await attempt(write, { fresh: true })
  if (problem) throw problem
}

/** Null when the blob is in its place; otherwise what is wrong with the bytes, which are gone. */
async function attempt(write: BlobWrite, { fresh }: { readonly fresh: boolean }): Promise<DrayError | null> {
  const { files, descriptor, signal } = write
  const partial = await openPartial(files, { size: descriptor.size, fresh, signal })
  const { path } = partial.claim
  try {
    write.onOpen(path)
    const problem = await fill(partial, write)
    if (problem) await discard(path, write)
    else await putInPlace(path, write)
    partial.claim.end()
    return problem
  } catch (error) {
    await leavePartial(partial, files)
    throw error
  }
}

/** Closes the file, whatever happens. */
async function fill({ file, claim: { path } }: Partial, write: BlobWrite): Promise<DrayError | null> {
  try {
    const problem = await receiveBlob({ ...write, file, path, offset: 0, kept: write.descriptor.size })
    if (!problem && !(await isNameOf(path, file))) throw replaced(path)
    return problem
  } finally {
    await close(file, path)
  }
}

/** Some file systems find out only now that the disk is full. */
async function close(file: FileHandle, path: string): Promise<void> {
  try {
    await file.close()
  } catch (error) {
    throw fileError(`write ${path}`, error)
  }
}

async function discard(path: string, { onDiscard }: BlobWrite): Promise<void> {
  onDiscard()
  await removeFile(path)
}

/** Where another process was faster, and Windows does not let go of its file, that one is as good when its bytes are. */
async function putInPlace(path: string, { files: { whole }, descriptor, signal }: BlobWrite): Promise<void> {
  try {
    await moveFile(path, whole)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw replaced(path)
    if (!isBusy(error) || (await checkBlob(whole, descriptor.digest, { signal })) === undefined) {
      throw fileError(`rename ${path} to ${whole}`, error)
    }
    await removeFile(path)
  }
}

/** The error of whoever wrote to a file that has lost its name meanwhile. */
export function replaced(path: string): DrayError {
  return new DrayError('FILE', `${path} was replaced while it was written`, {
    hint: 'another dray may be using the same directory; try again when it is done',
  })
}
