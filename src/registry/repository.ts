import type { Readable } from 'node:stream'
import type { HttpRequest, HttpResponse } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { fetchBlob } from './fetch-blob.ts'
import { fetchManifest } from './fetch-manifest.ts'
import type { TryPolicy } from './tries.ts'

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
}

/** A document and what it is called; the digest was computed here. */
export interface Content {
  /** The Content-Type without parameters, if there was one. */
  readonly mediaType: string | undefined
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** A request within a repository; `path` is `manifests/latest`. */
export interface RepositoryRequest extends Pick<HttpRequest, 'headers' | 'purpose' | 'signal'> {
  readonly path: string
}

/** How a repository reaches its registry. */
export interface RepositoryAccess {
  readonly registry: string
  /** `library/nginx`. */
  readonly name: string
  /** GETs a path below `/v2/<name>/`; any status is an answer. */
  readonly get: (request: RepositoryRequest) => Promise<HttpResponse>
  /** True once credentials have been found for it. */
  readonly isLoggedIn: () => boolean
  /** How often to ask again for a body that breaks off. */
  readonly tries: TryPolicy
}

/** A repository that is reached through `access`. */
export function openRepository(access: RepositoryAccess): Repository {
  return {
    fetchManifest: (identifier, signal) => fetchManifest(access, identifier, signal),
    fetchBlob: (descriptor, from, signal) => fetchBlob(access, descriptor, from, signal),
  }
}
