import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../streams/compression.ts'

/** What was found out about an archive. */
export interface Verdict {
  /** As the user named it. */
  readonly archive: string
  /** Nothing is wrong, and everything could be checked. */
  readonly ok: boolean
  readonly format: ArchiveKind
  /** Which programs write archives of this shape, in words; empty where none is known. */
  readonly writer: string
  /** Of the archive as a whole. */
  readonly compression: Compression
  /** In bytes, as it lies there. */
  readonly size: number
  /** The file beside it that says what its sha256 is. */
  readonly checksumFile?: string
  readonly images: readonly VerifiedImage[]
  /** The first bad place first; at most twenty. */
  readonly problems: readonly Problem[]
  /** How many more there are. */
  readonly moreProblems: number
  /** Worth knowing, not a failure. */
  readonly warnings: readonly string[]
  /** Who loads it; none where something is wrong. */
  readonly engines: readonly EngineVerdict[]
}

/**
 * `docker-archive`: manifest.json leads to the images. `oci-layout`: index.json does. `both`: either. `legacy`: what docker
 * before 1.10 wrote, without any digests.
 */
export type ArchiveKind = 'docker-archive' | 'oci-layout' | 'both' | 'legacy' | 'unknown'

export interface Problem {
  /** `unreadable`: it may be right, but dray cannot tell. */
  readonly kind: 'broken' | 'unreadable'
  /** `layer 3 of 5, blobs/sha256/…`, `manifest.json`, `byte 1024`. */
  readonly place: string
  readonly message: string
}

export interface VerifiedImage {
  readonly names: readonly string[]
  /** `os/architecture[/variant]` */
  readonly platform: string
  /** Of the config: what `docker images` calls the image id. */
  readonly imageId: Digest
  /** Of the manifest, where there is one. */
  readonly digest?: Digest
  readonly layers: readonly VerifiedLayer[]
}

export interface VerifiedLayer {
  readonly path: string
  /** In bytes, as it lies in the archive. */
  readonly size: number
  readonly digest: Digest
  readonly diffId: Digest
  readonly compression: Compression
}

export interface EngineVerdict {
  readonly engine: string
  /** `depends`: on what the reasons say. */
  readonly loads: 'yes' | 'no' | 'depends'
  readonly reasons: readonly string[]
}
