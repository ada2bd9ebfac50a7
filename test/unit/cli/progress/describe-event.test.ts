import { expect, test } from 'vitest'
import { describeEvent } from '../../../../src/cli/progress/describe-event.ts'
import type { PullEvent } from '../../../../src/events.ts'
import { digestOf } from '../../../../src/oci/digest.ts'

const digest = digestOf('')
const size = 12_345_678

const cases: readonly [PullEvent, string | undefined][] = [
  [{ type: 'resolve', reference: 'x' }, undefined],
  [
    { type: 'resolved', reference: 'ghcr.io/a/b:1', digest, platform: 'linux/arm64', layers: 7, size },
    `ghcr.io/a/b:1: linux/arm64, 7 layers, 12.3 MB, ${digest}`,
  ],
  [
    { type: 'resolved', reference: 'x', digest, platform: 'y', layers: 1, size: 0 },
    `x: y, 1 layer, 0 B, ${digest}`,
  ],
  [{ type: 'blob-start', digest, size, received: 0 }, undefined],
  [
    { type: 'blob-start', digest, size: 30_000_000, received: size },
    'e3b0c44298fc: resumes at 12.3 MB of 30.0 MB',
  ],
  [{ type: 'blob-progress', digest, size, received: 1 }, undefined],
  [{ type: 'blob-done', digest, size, cached: false }, 'e3b0c44298fc: done, 12.3 MB'],
  [{ type: 'blob-done', digest, size, cached: true }, 'e3b0c44298fc: already here, 12.3 MB'],
  [
    { type: 'retry', what: 'blob e3b0', reason: 'connection reset', attempt: 2, attempts: 6, delay: 4000 },
    'blob e3b0: retrying in 4 s (2/6): connection reset',
  ],
  [{ type: 'warning', message: 'a\nb\u001b[31m' }, 'warning: a b\\u{1b}[31m'],
  [{ type: 'archive-done', path: '/x.tar', size }, '/x.tar: done, 12.3 MB'],
  [{ type: 'archive-done', path: '-', size }, 'the archive: done, 12.3 MB'],
]

test.each(cases)('$type', (event, line) => {
  expect(describeEvent(event)).toBe(line)
})
