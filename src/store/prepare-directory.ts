import { constants, type Stats } from 'node:fs'
import { access, lstat, mkdir, stat } from 'node:fs/promises'
import { geteuid } from 'node:process'
import { DrayError, systemErrorCode } from '../errors.ts'
import { fileError } from '../streams/file-error.ts'

export interface DirectoryOptions {
  /** Whether it may be a symbolic link to a directory; default: no. */
  readonly mayBeLink?: boolean
  /** Told when everybody may write to it. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** A directory that is fit to keep blobs; it is made, for this user alone, if need be. Throws FILE. */
export async function prepareDirectory(path: string, options: DirectoryOptions = {}): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    // A link to nowhere, or a file: what it is, is told better below.
    if (systemErrorCode(error) !== 'EEXIST') throw fileError(`make the directory ${path}`, error)
  }
  await checkDirectory(path, options)
}

/**
 * Finds out whether a directory, if it is there, is fit to keep blobs: it can be written to, and is this user's or
 * root's. Whoever owns it could do as they like with what is in it, so one of another user is refused, but to root, who
 * may be at work in a container on files of whoever started it. Throws FILE.
 */
export async function checkDirectory(path: string, options: DirectoryOptions = {}): Promise<void> {
  try {
    refuseOthers(path, await (options.mayBeLink ? stat : lstat)(path), options)
    await access(path, constants.W_OK)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
    throw error instanceof DrayError ? error : fileError(`write to the directory ${path}`, error)
  }
}

function refuseOthers(path: string, stats: Stats, { onWarning }: DirectoryOptions): void {
  if (stats.isSymbolicLink()) throw refusal(path, 'it is a symbolic link', 'remove the link')
  if (!stats.isDirectory()) throw refusal(path, 'it is none', 'remove it, or name another')
  const user = geteuid?.()
  if (user === undefined) return
  if (user !== 0 && ![user, 0].includes(stats.uid)) {
    throw refusal(path, `it belongs to another user (uid ${stats.uid})`, 'name a directory of your own')
  }
  if (isOpenToAll(stats)) onWarning?.(`everybody on this machine may change what is in ${path}`)
}

function refusal(path: string, reason: string, hint: string): DrayError {
  return new DrayError('FILE', `cannot use the directory ${path}: ${reason}`, { hint })
}

const sticky = 0o1000

/** Where the sticky bit is set, people can remove only what is theirs. */
function isOpenToAll({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0 && (mode & sticky) === 0
}
