import { Readable } from 'node:stream'
import type { FileEntry } from './archive-format.ts'

/** A file whose content is at hand; its time is 1970 unless one is given. */
export function bytesEntry(path: string, content: string | Uint8Array, mtime = 0): FileEntry {
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
