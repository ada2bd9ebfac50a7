export interface Speedometer {
  /** Says that so many bytes have just arrived. */
  add(bytes: number): void
  /** Bytes per second over the last five seconds. */
  read(): number
}

const span = 5000
const step = 250

/** Measures how fast bytes arrive, over a window that slides. */
export function createSpeedometer(): Speedometer {
  const began = performance.now()
  const steps: { readonly at: number; bytes: number }[] = []
  return {
    add(bytes) {
      if (bytes <= 0) return
      const now = performance.now()
      const last = steps.at(-1)
      if (last && now - last.at < step) last.bytes += bytes
      else steps.push({ at: now, bytes })
    },
    read() {
      const now = performance.now()
      while (steps[0] && now - steps[0].at > span) steps.shift()
      const bytes = steps.reduce((sum, { bytes }) => sum + bytes, 0)
      return (bytes / Math.max(step, Math.min(span, now - began))) * 1000
    },
  }
}
