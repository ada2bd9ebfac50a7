import { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { FileEntry } from './archive-format.ts'

export interface BytesEntry extends FileEntry {
  readonly size: number
  readonly bytes: Uint8Array
  /** The blob that it is, if it is one. */
  readonly blob?: Descriptor
}

/** A file whose content is at hand; its time is 1970 unless one is given. */
export function bytesEntry(path: string, content: string | Uint8Array, mtime = 0): BytesEntry {
  const bytes = Buffer.from(content)
  return {
    type: 'file',
    path,
    mtime,
    size: bytes.length,
    bytes,
    open: () => Readable.from(bytes, { objectMode: false }),
  }
}
