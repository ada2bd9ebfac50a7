import type { PullEvent } from '../../events.ts'
import { sanitize } from '../../http/sanitize.ts'
import { shortDigest } from '../../oci/digest.ts'
import { formatBytes } from './format-bytes.ts'
import { formatDuration } from './format-duration.ts'

/** One line for a log; undefined for events that come too often, or say nothing to a reader. */
export function describeEvent(event: PullEvent): string | undefined {
  switch (event.type) {
    case 'resolved': {
      const { reference, platform, layers, size, digest } = event
      return `${reference}: ${platform}, ${layers} ${layers === 1 ? 'layer' : 'layers'}, ${formatBytes(size)}, ${digest}`
    }
    case 'blob-start':
      return event.received > 0
        ? `${shortDigest(event.digest)}: resumes at ${formatBytes(event.received)} of ${formatBytes(event.size)}`
        : undefined
    case 'blob-done':
      return `${shortDigest(event.digest)}: ${event.cached ? 'already here' : 'done'}, ${formatBytes(event.size)}`
    case 'retry': {
      const { what, reason, attempt, attempts, delay } = event
      return `${sanitize(what)}: retrying in ${formatDuration(delay)} (${attempt}/${attempts}): ${sanitize(reason)}`
    }
    case 'warning':
      return `warning: ${sanitize(event.message)}`
    case 'archive-done':
      return `${event.path === '-' ? 'the archive' : event.path}: done, ${formatBytes(event.size)}`
    default:
      return undefined
  }
}
