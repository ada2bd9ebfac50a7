import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { DrayError } from '../errors.ts'
import { type Digest, digestAlgorithm, finishDigest } from '../oci/digest.ts'

export interface ExpectedContent {
  readonly digest: Digest
  /** In bytes; not checked when absent. */
  readonly size?: number
}

/**
 * Passes bytes through and fails with INTEGRITY when they are not what was promised: at the end, or as soon as there
 * are too many of them. `what` names the content in the message.
 */
export function verifyContent(expected: ExpectedContent, what: string): Transform {
  const algorithm = digestAlgorithm(expected.digest)
  const hash = createHash(algorithm)
  let size = 0
  return new Transform({
    highWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (expected.size !== undefined && size > expected.size)
        return done(sizeError(what, expected.size, size))
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      done(mismatch(expected, { digest: finishDigest(hash, algorithm), size }, what))
    },
  })
}

/** The INTEGRITY error for content that is not what was promised; null when it is. */
export function mismatch(
  expected: ExpectedContent,
  actual: Required<ExpectedContent>,
  what: string,
): DrayError | null {
  if (expected.size !== undefined && actual.size !== expected.size) {
    return sizeError(what, expected.size, actual.size)
  }
  if (actual.digest === expected.digest) return null
  return new DrayError(
    'INTEGRITY',
    `${what} is corrupt: its digest is ${actual.digest}, not ${expected.digest}`,
  )
}

/** The INTEGRITY error for content of which more comes than was promised, so that what has come of it is wrong. */
export function tooLong(what: string, size: number): DrayError {
  return new DrayError('INTEGRITY', `${what} is longer than the ${size} bytes that its manifest promises`, {
    cause: surplus,
  })
}

/** True for an error that {@link tooLong} is at the bottom of. */
export function isTooLong(error: unknown): boolean {
  return error === surplus || (error instanceof Error && isTooLong(error.cause))
}

const surplus = Object.assign(new Error('there are more bytes than announced'), { code: 'ERR_SURPLUS' })

function sizeError(what: string, expected: number, actual: number): DrayError {
  const found = actual > expected ? 'there are more' : `there are ${actual}`
  return new DrayError('INTEGRITY', `${what} should have ${expected} bytes, but ${found}`)
}
