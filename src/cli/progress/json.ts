import type { PullEvent } from '../../events.ts'
import type { Digest } from '../../oci/digest.ts'
import { toJson } from '../to-json.ts'
import type { Display, TextStream } from './display.ts'
import type { DisplayOptions } from './progress.ts'

/** Milliseconds between two reports on the same blob: machines need no more, and logs are kept. */
const reportEvery = 100

/**
 * One JSON object a line, `v` says which version of these objects it is. Requests and notes are told with --verbose, the
 * headers of requests with --debug.
 */
export function openJsonDisplay(stream: TextStream, { verbose, debug }: DisplayOptions): Display {
  const reported = new Map<Digest, number>()
  const say = (event: object) => stream.write(`${toJson({ v: 1, ...event })}\n`)

  function isDue(event: PullEvent): boolean {
    if (event.type !== 'blob-progress') return true
    const now = performance.now()
    if (now - (reported.get(event.digest) ?? Number.NEGATIVE_INFINITY) < reportEvery) return false
    reported.set(event.digest, now)
    return true
  }

  return {
    onEvent(event) {
      if (event.type === 'request') {
        const { requestHeaders, responseHeaders, ...line } = event
        if (debug) say(event)
        else if (verbose) say(line)
      } else if (event.type === 'note') {
        if (verbose || debug) say(event)
      } else if (isDue(event)) say(event)
    },
    warn: (message) => say({ type: 'warning', message }),
    stop() {},
  }
}
