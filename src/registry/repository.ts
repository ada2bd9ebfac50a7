import type { Readable } from 'node:stream'
import { DrayError, isDrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { EndpointAccess } from './endpoint-access.ts'
import { remedyFor } from './endpoint-login.ts'
import { fetchBlob, fetchPiece, type Piece } from './fetch-blob.ts'
import { fetchManifest } from './fetch-manifest.ts'

/** One repository of a registry, read side (distribution spec, "Pulling"). */
export interface Repository {
  /**
   * The manifest of a tag or digest, as stored. Throws NOT_FOUND, UNAUTHORIZED, RATE_LIMITED; INTEGRITY when the bytes
   * are not what the digest, or the registry's own Docker-Content-Digest, says; and what the network throws.
   */
  fetchManifest(identifier: string, signal: AbortSignal): Promise<Content>
  /**
   * A blob's bytes from an offset on, not verified but for their number. Goes on where a connection broke off. Rejects
   * like `fetchManifest`; the stream fails with NETWORK when the registry keeps breaking off, INTEGRITY when it sends
   * more than the descriptor says.
   */
  fetchBlob(descriptor: Descriptor, from: number, signal: AbortSignal): Promise<Readable>
  /**
   * Some bytes out of the middle of a blob that `fetchBlob` has begun to give, from the same place, not verified at all.
   * Undefined when they are not to be had by themselves, or not now; the stream fails when it breaks off. Nothing is
   * tried again: `fetchBlob` does that.
   */
  fetchPiece(descriptor: Descriptor, piece: Piece, signal: AbortSignal): Promise<Readable | undefined>
  /**
   * To be told that the bytes that `fetchBlob` gave last, from the first on, were wrong: whoever sent them is not asked
   * for this blob again. False when there is no one else to ask.
   */
  distrust(descriptor: Descriptor): boolean
}

/** A document and what it is called; the digest was computed here. */
export interface Content {
  /** The Content-Type without parameters, if there was one. */
  readonly mediaType: string | undefined
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** A repository at one endpoint. */
export function openRepository(access: EndpointAccess): Repository {
  const explain = (error: unknown): never => {
    throw withLoginProblem(error, remedyFor(access.login))
  }
  return {
    fetchManifest: (...request) => fetchManifest(access, ...request).catch(explain),
    fetchBlob: (...request) => fetchBlob(access, ...request).catch(explain),
    fetchPiece: (...request) => fetchPiece(access, ...request),
    distrust: () => false,
  }
}

/** Adds to a refusal how there would be credentials. Whoever may not see an image may hear that there is none. */
function withLoginProblem(error: unknown, repair: string | undefined): unknown {
  if (!isDrayError(error) || repair === undefined) return error
  const { code, message, hint = '', cause } = error
  const isRefusal = code === 'UNAUTHORIZED' || code === 'NOT_FOUND'
  if (!isRefusal || hint.includes(repair)) return error
  const advice = code === 'UNAUTHORIZED' || hint === '' ? 'check the name' : hint
  return new DrayError(code, message, { hint: `${advice}; if it is private, ${repair}`, cause })
}
