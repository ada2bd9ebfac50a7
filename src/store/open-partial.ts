import { type FileHandle, lstat, readdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemErrorCode } from '../errors.ts'
import { type Claim, createClaim, isAlive, isClaimOn } from '../streams/claim.ts'
import { fileError } from '../streams/file-error.ts'
import { isBusy } from '../streams/move-file.ts'
import { type BlobFiles, createFile, removeFile, reopen } from './blob-files.ts'

export interface OpenPartialOptions {
  /** Of the whole blob: what is longer is no beginning of it. */
  readonly size: number
  /** Whether to begin with nothing; what others left stays. */
  readonly fresh: boolean
  /** Of a new file; default: for this user alone. */
  readonly mode?: number
  readonly signal: AbortSignal
}

/** The beginning of a blob, in a file that only this process writes to. */
export interface Partial {
  readonly file: FileHandle
  readonly claim: Claim
}

/**
 * Takes over the longest beginning that an earlier attempt left, or makes an empty file. A rename decides who of several
 * gets it. What a living process is at work on stays its own. Throws FILE, and the reason of `signal`.
 */
export async function openPartial(files: BlobFiles, options: OpenPartialOptions): Promise<Partial> {
  const claim = createClaim(files.whole)
  try {
    const left = options.fresh ? [] : await findLeft(files, options)
    const file = (await takeOver(left, claim.path)) ?? (await createFile(claim.path, options.mode))
    return { file, claim }
  } catch (error) {
    claim.end()
    throw error
  }
}

/** Leaves the beginning of a blob for a later attempt, unless there is a longer one. Takes a file that is closed; never throws. */
export async function leavePartial({ claim }: Pick<Partial, 'claim'>, files: BlobFiles): Promise<void> {
  try {
    const [ours, other] = await Promise.all([sizeOf(claim.path), sizeOf(files.partial)])
    if ((ours ?? 0) > (other ?? 0)) await rename(claim.path, files.partial)
    else await removeFile(claim.path)
  } catch {
    // Under the name that it has, it is found as well.
  }
  claim.end()
}

interface Left {
  readonly path: string
  readonly size: number
}

/** What no one is at work on, the longest first; what is too long to be of use is removed. */
async function findLeft(files: BlobFiles, { size, signal }: OpenPartialOptions): Promise<readonly Left[]> {
  const paths = await candidates(files)
  const look = async (path: string): Promise<readonly Left[]> => {
    if (path !== files.partial && (await isAlive(path, signal))) return []
    const found = await sizeOf(path)
    return found === undefined ? [] : [{ path, size: found }]
  }
  const left = (await Promise.all(paths.map(look))).flat()
  signal.throwIfAborted()
  for (const { path } of left.filter((each) => each.size > size)) await removeFile(path)
  return left.filter((each) => each.size <= size).toSorted((a, b) => b.size - a.size)
}

async function candidates({ directory, whole, partial }: BlobFiles): Promise<readonly string[]> {
  try {
    const names = await readdir(directory)
    return names
      .filter((name) => name === basename(partial) || isClaimOn(basename(whole), name))
      .map((name) => join(directory, name))
  } catch (error) {
    throw fileError(`read the directory ${directory}`, error)
  }
}

/** Undefined when nothing is there; 0 for what is no file, such as a link. A directory is nothing of ours. */
async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  if (!stats || stats.isDirectory()) return undefined
  return stats.isFile() ? stats.size : 0
}

/** What is left over then is of no more use. */
async function takeOver(left: readonly Left[], path: string): Promise<FileHandle | undefined> {
  for (const [i, each] of left.entries()) {
    if (!(await wins(each.path, path))) continue
    const file = await reopen(path)
    if (!file) {
      await removeFile(path)
      continue
    }
    for (const other of left.slice(i + 1)) await removeFile(other.path)
    return file
  }
  return undefined
}

/** False when someone else was faster, or does not let go of it. */
async function wins(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || isBusy(error)) return false
    throw fileError(`rename ${from}`, error)
  }
}
