import { pack } from 'tar-stream'
import type { DirectoryEntry, FileEntry, LinkEntry } from './archive-format.ts'

const blockSize = 512

/** What a header tells of an entry, but for its size. */
export type HeadedEntry = DirectoryEntry | LinkEntry | Pick<FileEntry, 'type' | 'path' | 'mtime'>

/** Two blocks of zeros end a tar. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockSize)

/** The zeros that fill the last block of `size` bytes of content. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize)
}

/** How long the header of an entry is, in bytes: a path of more than 100 bytes has a PAX record before it. */
export function headerSize({ path }: HeadedEntry): number {
  return (path.length > 100 ? 3 : 1) * blockSize
}

/**
 * The header blocks of an entry whose content has `size` bytes: ustar, with the size in base 256 from 8 GiB on, and a
 * PAX record before it for a long path. Owner and modes are fixed, so that the same entries give the same bytes. Throws a plain error for a path that no archive has.
 */
export async function tarHeader(entry: HeadedEntry, size: number): Promise<Buffer> {
  checkPath(entry.path)
  const tar = pack()
  tar.entry({
    name: entry.path,
    type: entry.type,
    mode: modes[entry.type],
    size,
    mtime: new Date(Math.min(entry.mtime, maxTime) * 1000),
    uid: 0,
    gid: 0,
    ...(entry.type === 'symlink' && { linkname: entry.target }),
  })
  return firstBytes(tar, headerSize(entry))
}

const modes = { file: 0o644, directory: 0o755, symlink: 0o777 } as const

/** tar-stream computes times in 32 bits. */
const maxTime = 2 ** 31 - 1

const allowedPaths = new RegExp(
  [
    'manifest\\.json|repositories|oci-layout|index\\.json',
    '[0-9a-f]{64}\\.json',
    '[0-9a-f]{64}/(VERSION|json|layer\\.tar)?',
    'blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})',
  ]
    .map((paths) => `^(${paths})$`)
    .join('|'),
)

/** Nothing that a registry sent can become a path; should that ever break, no such archive leaves the house. */
function checkPath(path: string): void {
  if (!allowedPaths.test(path)) throw new Error(`${JSON.stringify(path)} is no path of an archive`)
}

async function firstBytes(tar: AsyncIterable<Buffer>, size: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  for await (const part of tar) {
    bytes = Buffer.concat([bytes, part])
    if (bytes.length >= size) break
  }
  return bytes
}
