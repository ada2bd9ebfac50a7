import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Arrival } from './arrival.ts'

/**
 * Opens a blob's bytes from an offset on; called again from 0 when what was there proved wrong. Whoever asks for them owns the
 * chunks, and frees their memory.
 */
export type BlobSource = (from: number, signal: AbortSignal) => Promise<Readable>

/** A place that blobs are brought to, by digest. A blob is there and whole, or not there. */
export interface BlobWriter {
  /** True when the blob is there, whole; its bytes are hashed again before this says so, once per process. Ends with `signal`. */
  has(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean>
  /**
   * Writes a blob, going on from what an earlier, broken attempt left, and verifies size and digest before it counts.
   * Throws INTEGRITY when a full, fresh download is not what the descriptor promises; FILE when the disk says no.
   */
  write(descriptor: Descriptor, source: BlobSource, options: BlobWriteOptions): Promise<void>
}

/** Blobs at rest; readers may follow one that is arriving. */
export interface BlobStore extends BlobWriter {
  /** The bytes of a blob, while they still arrive or at rest; waits for a blob that no one has begun to write yet. */
  follow(digest: Digest, signal: AbortSignal): Readable
  /** The file of a blob, for those who read it themselves; waits for a blob that no one has begun to write yet. Throws FILE. */
  open(digest: Digest, signal: AbortSignal): Promise<OpenBlob>
  /** Resolves when the blob is whole; rejects when `signal` ends the wait. */
  settled(digest: Digest, signal: AbortSignal): Promise<void>
}

/** A file, to be closed by whoever asked for it, that may be read as far as the blob has arrived. */
export interface OpenBlob {
  readonly file: FileHandle
  readonly arrival: Arrival
  /** Its last four bytes, not verified, if they come before the others. */
  readonly end?: Promise<Uint8Array | undefined> | undefined
}

export interface BlobWriteOptions {
  readonly signal: AbortSignal
  /** Handed to those who open the blob while it arrives. */
  readonly end?: OpenBlob['end']
  /** Told how many bytes are there: once at the start (what an earlier attempt left), then as they arrive. It may go back to 0. */
  readonly onProgress?: (received: number) => void
}
