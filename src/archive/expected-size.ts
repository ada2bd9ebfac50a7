import type { FileHandle } from 'node:fs/promises'
import { readAt } from '../store/blob-files.ts'
import { compressionOf, magicLength } from '../streams/compression.ts'

const tarBlock = 512
/** The trailer of a gzip member ends in the size of what it holds, modulo 2^32 (RFC 1952, section 2.3.1). */
export const sizeField = 4
/** What deflate makes of a byte at most, and of incompressible data at least. */
const ratio = { most: 1032, least: 0.98 }

/**
 * The size that the content of a whole blob will have, by its own word; undefined when it says nothing that could be true.
 * It may lie: of several members, the last one speaks, and beyond 4 GiB all do. Throws FILE.
 */
export async function expectedSize(blob: FileHandle, size: number): Promise<number | undefined> {
  const head = await read(blob, magicLength, 0)
  switch (compressionOf(head)) {
    case 'none':
      return size
    case 'gzip':
      return plausibleSize((await read(blob, sizeField, size - sizeField)).readUInt32LE(), size)
    default:
      return undefined
  }
}

/** Whether a blob of which the beginning is there is gzip. Throws FILE. */
export async function isGzip(blob: FileHandle): Promise<boolean> {
  return compressionOf(await read(blob, magicLength, 0)) === 'gzip'
}

/** What a gzip blob of a size in bytes says of the size of its content, if it could be true. */
export function plausibleSize(claim: number, packed: number): number | undefined {
  const isOne = claim % tarBlock === 0 && claim > packed * ratio.least && claim < packed * ratio.most
  return isOne ? claim : undefined
}

async function read(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  if (position >= 0) await readAt(file, buffer, { position, path: 'a blob' })
  return buffer
}
