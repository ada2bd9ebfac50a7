import { DrayError } from '../errors.ts'

/** How far a blob has come in, as those see it who follow it while it arrives. */
export interface Arrival {
  /** The file that the bytes are in as long as they arrive. */
  readonly place: string | undefined
  /** Bytes that may be read. */
  readonly available: number
  readonly isWhole: boolean
  /** How often what was there has been taken back, or its writer has given up. */
  readonly interruptions: number
  begin(place: string): void
  advance(available: number): void
  interrupt(): void
  complete(size: number): void
  /** Resolves when any of the above happens next; rejects with the reason of `signal`. */
  change(signal: AbortSignal): Promise<void>
}

export function createArrival(): Arrival {
  const waiting = new Set<() => void>()
  const arrival = {
    place: undefined as string | undefined,
    available: 0,
    isWhole: false,
    interruptions: 0,
    begin(place: string) {
      arrival.place = place
    },
    advance(available: number) {
      arrival.available = available
      wakeAll(waiting)
    },
    interrupt() {
      arrival.interruptions += 1
      arrival.isWhole = false
      arrival.advance(0)
    },
    complete(size: number) {
      arrival.isWhole = true
      arrival.advance(size)
    },
    change: (signal: AbortSignal) => nextCall(waiting, signal),
  }
  return arrival
}

function wakeAll(waiting: Set<() => void>): void {
  for (const wake of waiting) wake()
}

/** Leaves nothing behind in the set, nor on the signal, once it has settled. */
function nextCall(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = () => settle(resolve)
    const abort = () => settle(() => reject(signal.reason))
    const settle = (act: () => void) => {
      waiting.delete(wake)
      signal.removeEventListener('abort', abort)
      act()
    }
    waiting.add(wake)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
}

/** The error of whoever was reading when what they had read was taken back. */
export function interrupted(what: string): DrayError {
  return new DrayError('INTEGRITY', `the download of ${what} broke off while it was being read`)
}
