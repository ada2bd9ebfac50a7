import type { Readable } from 'node:stream'
import type { Image } from '../image/image.ts'
import type { Digest } from '../oci/digest.ts'
import type { BlobStore, OpenBlob } from '../store/blob-store.ts'

/** One entry of the tar. */
export type ArchiveEntry = DirectoryEntry | LinkEntry | FileEntry

interface EntryBase {
  /** Relative, with `/`, no leading `./`; a directory ends in `/`. */
  readonly path: string
  /** Seconds since 1970. */
  readonly mtime: number
}

export interface DirectoryEntry extends EntryBase {
  readonly type: 'directory'
}

export interface LinkEntry extends EntryBase {
  readonly type: 'symlink'
  readonly target: string
}

export interface FileEntry extends EntryBase {
  readonly type: 'file'
  /** In bytes; absent when only reading it to the end will tell. */
  readonly size?: number
  /** The content, where it is at hand. */
  readonly bytes?: Uint8Array
  /** The content, checked while it passes. May be called again after a failure. */
  open(signal: AbortSignal): Readable
  /**
   * Resolves when the blob behind the entry is at rest and verified. An entry that failed while its blob was still
   * arriving is written once more after that.
   */
  settled?(signal: AbortSignal): Promise<void>
  /** What the content is made of, for those who read the blob themselves. */
  readonly layer?: LayerContent
}

/** The content of an entry as something to be made of a blob. */
export interface LayerContent {
  /** Names it in messages. */
  readonly what: string
  /** Of the blob, in bytes. */
  readonly blobSize: number
  /** Whether the content is what the blob stands for uncompressed, or the blob as it is. */
  readonly isInflated: boolean
  /** Of the content. */
  readonly digest: Digest
  openBlob(signal: AbortSignal): Promise<OpenBlob>
}

/** A way to lay out images in a tar. */
export interface ArchiveFormat {
  readonly name: 'docker' | 'oci'
  /** Every entry in its final order; the same images give the same entries. */
  entries(images: readonly Image[], store: BlobStore): Iterable<ArchiveEntry>
}
