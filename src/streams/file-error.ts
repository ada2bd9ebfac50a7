import { DrayError, systemErrorCode } from '../errors.ts'

/** A FILE error in plain words: `fileError('write /a/b', cause)` says `cannot write /a/b: the disk is full`. */
export function fileError(action: string, cause: unknown): DrayError {
  const known = explanations[systemErrorCode(cause) ?? '']
  const reason = known?.reason ?? (cause instanceof Error ? cause.message : String(cause))
  return new DrayError('FILE', `cannot ${action}: ${reason}`, { cause, hint: known?.hint })
}

const freeSpace = 'free some space, or write to another disk'
const otherPlace = 'write to a place where you have the permission to'

const explanations: Readonly<Record<string, { readonly reason: string; readonly hint?: string }>> = {
  ENOSPC: { reason: 'the disk is full', hint: freeSpace },
  EDQUOT: { reason: 'the disk quota is used up', hint: freeSpace },
  EFBIG: { reason: 'the file system takes no file of that size', hint: 'write to another disk' },
  EACCES: { reason: 'permission denied', hint: otherPlace },
  EPERM: { reason: 'the operation is not permitted', hint: otherPlace },
  EROFS: { reason: 'the file system is read-only', hint: otherPlace },
  ENOENT: {
    reason: 'there is no such file or directory',
    hint: 'check the path, and create its directory first',
  },
  ENOTDIR: { reason: 'a part of the path is not a directory', hint: 'check the path' },
  EISDIR: { reason: 'it is a directory', hint: 'name a file' },
  ELOOP: { reason: 'it is a symbolic link', hint: 'remove it' },
  EMFILE: { reason: 'too many files are open', hint: 'raise the limit of open files (ulimit -n)' },
}
