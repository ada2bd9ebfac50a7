/** What a file-system call comes to. A short one does half of what it was asked for, and says so. */
export const faultKinds = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES', 'short write', 'short read'] as const
export type FaultKind = (typeof faultKinds)[number]

/** What is to happen to which call of those that such a fault can happen to. */
export interface Fault {
  readonly kind: FaultKind
  /** Counted from 1. */
  readonly nth: number
  /** All of them from that one on: a disk that is full stays full. */
  readonly lasts: boolean
}

/** A call that a fault has happened to. */
export interface StruckCall {
  readonly kind: FaultKind
  /** The name of the function, without `Sync` or the `f` for an open file; `create` for an `open` that makes a file. */
  readonly operation: string
  readonly path: string
  /** Whether another thread than the one that runs the command made it. */
  readonly isInWorker: boolean
}

/** True when a call of this name can end so. */
export function canMeet(kind: FaultKind, operation: string): boolean {
  return callsOf[kind].test(operation)
}

const callsOf: Readonly<Record<FaultKind, RegExp>> = {
  EIO: /./,
  ENOSPC:
    /^(write|writev|writeFile|create|mkdir|mkdtemp|rename|link|symlink|copyFile|truncate|sync|datasync)$/,
  EMFILE: /^(open|create|opendir|readdir|readFile|writeFile)$/,
  EACCES: /^(open|create|opendir|readdir|readFile|writeFile|mkdir|rename|rm|rmdir|unlink|access|realpath)$/,
  'short write': /^(write|writev)$/,
  'short read': /^(read|readv)$/,
}

export function describeFault({ kind, nth, lasts }: Fault): string {
  return `${kind} at call ${nth}${lasts ? ' and after it' : ''}`
}
