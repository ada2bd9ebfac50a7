import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { canMeet, type Fault, type FaultKind, faultKinds, type StruckCall } from './fault.ts'

/** The fault that is to come, one for all threads of the process, and what they have open. */
export interface SharedFaults {
  /** Calls on paths below this directory are counted; no others. */
  readonly root: string
  arm(fault: Fault): void
  /** How many calls have been counted. */
  calls(): number
  /** Ends it; says which call was struck first, if any was. */
  disarm(): StruckCall | undefined
  /** Counts a call, and decides what comes of it: undefined when it goes well. */
  next(operation: string, path: string): FaultKind | undefined
  setOpen(fd: number, isOpen: boolean): void
  isOpen(fd: number): boolean
  openFiles(): number
}

const key = 'what is to happen to file-system calls'

/** Shares the faults below `root` with every worker that is started from now on. */
export function createSharedFaults(root: string): SharedFaults {
  const buffer = new SharedArrayBuffer(numbersSize + textSize + mostFiles)
  setEnvironmentData(key, { root, buffer })
  return view(root, buffer, false)
}

/** In a worker: what the thread that started it has shared. */
export function sharedFaults(): SharedFaults | undefined {
  const found = getEnvironmentData(key) as { root: string; buffer: SharedArrayBuffer } | undefined
  return found && view(found.root, found.buffer, true)
}

const numbersSize = 8 * 4
const textSize = 4096
const mostFiles = 65_536

/** Where in the buffer the numbers are. */
const at = { armed: 0, kind: 1, nth: 2, lasts: 3, calls: 4, textLength: 5 } as const

function view(root: string, buffer: SharedArrayBuffer, isInWorker: boolean): SharedFaults {
  const numbers = new Int32Array(buffer, 0, numbersSize / 4)
  const text = new Uint8Array(buffer, numbersSize, textSize)
  const open = new Uint8Array(buffer, numbersSize + textSize, mostFiles)
  const get = (name: keyof typeof at) => Atomics.load(numbers, at[name])
  const set = (name: keyof typeof at, value: number) => Atomics.store(numbers, at[name], value)
  return {
    root,
    arm({ kind, nth, lasts }) {
      open.fill(0)
      set('kind', faultKinds.indexOf(kind))
      set('nth', nth)
      set('lasts', Number(lasts))
      set('calls', 0)
      set('textLength', 0)
      set('armed', 1)
    },
    calls: () => get('calls'),
    disarm() {
      set('armed', 0)
      const length = get('textLength')
      set('textLength', 0)
      return length === 0 ? undefined : JSON.parse(Buffer.from(text.slice(0, length)).toString())
    },
    next(operation, path) {
      const kind = faultKinds[get('kind')] ?? 'EIO'
      if (get('armed') === 0 || !canMeet(kind, operation)) return undefined
      const number = Atomics.add(numbers, at.calls, 1) + 1
      const [nth, lasts] = [get('nth'), get('lasts') === 1]
      if (number < nth || (number > nth && !lasts)) return undefined
      if (number === nth) {
        const bytes = Buffer.from(JSON.stringify({ kind, operation, path, isInWorker }))
        text.set(bytes)
        set('textLength', bytes.length)
      }
      return kind
    },
    setOpen: (fd, isOpen) => void Atomics.store(open, fd, Number(isOpen)),
    isOpen: (fd) => Atomics.load(open, fd) === 1,
    openFiles: () => open.reduce((sum, each) => sum + each, 0),
  }
}
