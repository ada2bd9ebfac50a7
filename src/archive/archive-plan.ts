import type { Digest } from '../oci/digest.ts'
import type { OciEntry } from './oci-archive.ts'
import { endOfArchive, headerSize, padding, tarHeader } from './tar.ts'

/** Where everything is in an archive, before there is any of it. */
export interface ArchivePlan {
  /** What is known of its bytes; between these, and after them, come blobs. */
  readonly known: readonly Stretch[]
  /** Where the others begin, in bytes. */
  readonly places: ReadonlyMap<Digest, number>
  /** The sizes of blobs whose bytes are known. */
  readonly atHand: ReadonlyMap<Digest, number>
  /** Of the whole archive, in bytes. */
  readonly size: number
}

export interface Stretch {
  readonly position: number
  readonly bytes: Buffer
}

/** Plans an archive of these entries, in their order. */
export async function planArchive(entries: readonly OciEntry[]): Promise<ArchivePlan> {
  const known: Stretch[] = []
  const places = new Map<Digest, number>()
  const atHand = new Map<Digest, number>()
  let parts: Uint8Array[] = []
  let start = 0
  let end = 0
  const finishStretch = () => {
    known.push({ position: start, bytes: Buffer.concat(parts) })
    parts = []
  }
  for (const entry of entries) {
    const { size, blob } = entry
    const content = end + headerSize(entry)
    end = content + size + padding(size).length
    parts.push(await tarHeader(entry, size))
    if ('bytes' in entry) {
      parts.push(entry.bytes, padding(size))
      if (blob) atHand.set(blob.digest, size)
    } else {
      finishStretch()
      start = end
      places.set(entry.blob.digest, content)
    }
  }
  finishStretch()
  return { known, places, atHand, size: end + endOfArchive.length }
}
