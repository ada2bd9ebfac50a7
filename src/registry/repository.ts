import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { fetchBlob } from './fetch-blob.ts'
import { fetchManifest } from './fetch-manifest.ts'
import { type RepositoryAccess, withLoginProblem } from './repository-access.ts'

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

/** A repository that is reached through `access`. */
export function openRepository(access: RepositoryAccess): Repository {
  return {
    fetchManifest: (identifier, signal) =>
      withLoginProblem(access, fetchManifest(access, identifier, signal)),
    fetchBlob: (descriptor, from, signal) =>
      withLoginProblem(access, fetchBlob(access, descriptor, from, signal)),
    distrust: () => false,
  }
}
