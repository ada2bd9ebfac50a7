import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ImageConfig } from '../oci/manifest.ts'
import type { Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'

/** One image for one platform, everything known but the bytes of its layers. */
export interface Image {
  readonly reference: Reference
  /** `registry/repository:tag` to store in the archive; absent for a pull by digest. */
  readonly name?: string
  readonly platform: Platform
  /** Of the image manifest (not of an index above it). */
  readonly manifest: Descriptor
  readonly manifestBytes: Uint8Array
  readonly config: Descriptor
  readonly configBytes: Uint8Array
  readonly configJson: ImageConfig
  /** Base first; the same blob may stand here several times. */
  readonly layers: readonly Layer[]
}

export interface Layer {
  /** The blob as the registry serves it. */
  readonly descriptor: Descriptor
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest
}
