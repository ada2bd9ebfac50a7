import { createHash, type Hash } from 'node:crypto'
import { DrayError, quote } from '../errors.ts'

/** `algorithm:hex`, checked. The type is branded: {@link parseDigest} and {@link digestOf} are the only ways to make one. */
export type Digest = string & { readonly __digest: unique symbol }

export type DigestAlgorithm = 'sha256' | 'sha512'

const hexLength: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha512', 128],
])

/**
 * Reads a digest as OCI image-spec descriptor.md defines it: `sha256:` and 64, or `sha512:` and 128 lower-case hex digits.
 * Nothing else passes, so a digest is safe in a path, a URL and a tar entry.
 * Throws INTEGRITY.
 */
export function parseDigest(text: unknown): Digest {
  if (typeof text !== 'string') throw new DrayError('INTEGRITY', `a digest is a string, not ${typeof text}`)
  const problem = digestProblem(text)
  if (problem) throw new DrayError('INTEGRITY', `${quote(text)} is no digest: ${problem}`)
  return text as Digest
}

/** Why `text` is not a digest, in plain words; undefined when it is one. */
export function digestProblem(text: string): string | undefined {
  const match = /^([a-z0-9]+):([0-9a-f]+)$/.exec(text)
  if (!match) return 'it must be an algorithm, a colon and lower-case hex digits'
  const [, algorithm = '', hex = ''] = match
  const length = hexLength.get(algorithm)
  if (length === undefined) return `the algorithm ${algorithm} is not supported, sha256 and sha512 are`
  if (hex.length !== length) return `${algorithm} needs ${length} hex digits, not ${hex.length}`
  return undefined
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** The digest of bytes that are at hand; sha256 unless another algorithm is asked for. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return finishDigest(createHash(algorithm).update(bytes), algorithm)
}

/** The digest that a running hash has arrived at. */
export function finishDigest(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest('hex')}` as Digest
}

/** The first 12 hex digits, as docker shows a digest. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12)
}
