export interface Speedometer {
  /** Counts bytes; the speed, in bytes per second, as soon as it has been watched for long enough. */
  add(bytes: number): number | undefined
  /** Begins anew: what came until now does not tell how fast it could be. */
  reset(): void
}

/** Watches for `span` milliseconds from the first bytes on, and measures in the second half: connections begin slowly. */
export function createSpeedometer(span: number, now: () => number): Speedometer {
  let start: number | undefined
  let half: number | undefined
  let counted = 0
  return {
    add(bytes) {
      const time = now()
      start ??= time
      if (half !== undefined) counted += bytes
      else if (time - start >= span / 2) half = time
      if (half === undefined || time - start < span || time === half) return undefined
      return (counted / (time - half)) * 1000
    },
    reset() {
      start = undefined
      half = undefined
      counted = 0
    },
  }
}
