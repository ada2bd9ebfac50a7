/** Slots for connections that no blob waits for any more, so that others may use several. */
export interface IdleSlots {
  readonly count: number
  /** False when there is none. */
  take(): boolean
  give(): void
}

export function createIdleSlots(): IdleSlots {
  let count = 0
  return {
    get count() {
      return count
    },
    take() {
      if (count === 0) return false
      count -= 1
      return true
    },
    give() {
      count += 1
    },
  }
}
