import type { OnEvent } from '../../events.ts'

/** A way to show what happens. */
export interface Display {
  readonly onEvent: OnEvent
  /** Says something that must be seen, whatever else is hidden. */
  warn(message: string): void
  /** Leaves the terminal as it was; to be called last, more often does no harm. */
  stop(): void
}

/** stderr, or what stands in for it. */
export interface TextStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}
