import { DrayError, isDrayError } from '../errors.ts'
import type { OnEvent, PullEvent } from '../events.ts'
import type { Digest } from '../oci/digest.ts'

/** Knows what has arrived of an image. */
export interface Arrivals {
  readonly onEvent: OnEvent
  /** The error; when it is one that passes, and some of the image is there, with a hint that this is not lost. */
  explain(error: unknown): unknown
}

/** Watches the events of a pull whose blobs are kept, on their way to whoever else is told. */
export function tellWhatIsKept(onEvent: OnEvent): Arrivals {
  const received = new Map<Digest, number>()
  return {
    onEvent(event) {
      note(event, received)
      onEvent(event)
    },
    explain(error) {
      const isAnyThere = [...received.values()].some((bytes) => bytes > 0)
      return isAnyThere && isDrayError(error) && passing.has(error.code) ? withHint(error) : error
    },
  }
}

/** It may go back to 0: what proved wrong is thrown away. */
function note(event: PullEvent, received: Map<Digest, number>): void {
  if (event.type === 'blob-start' || event.type === 'blob-progress')
    received.set(event.digest, event.received)
}

const passing: ReadonlySet<string> = new Set(['NETWORK', 'RATE_LIMITED', 'UNAUTHORIZED', 'PROXY_AUTH'])

const kept = 'what has arrived is kept: the same command goes on from there'

/** The lines of a hint after the first are about other places. */
function withHint(error: DrayError): DrayError {
  const { code, message, hint, cause } = error
  const [first, ...others] = hint?.split('\n') ?? []
  const advice = first === undefined ? kept : `${first}; ${kept}`
  return new DrayError(code, message, { hint: [advice, ...others].join('\n'), cause: cause ?? error })
}
