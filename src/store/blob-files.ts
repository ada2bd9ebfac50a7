import { constants } from 'node:fs'
import { access, type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'

/** Where one blob is kept. A digest is hex digits, so these are safe names. */
export interface BlobFiles {
  readonly directory: string
  /** Holds the blob when it is whole. */
  readonly whole: string
  /** Holds what has arrived of it so far. */
  readonly partial: string
}

export function blobFiles(root: string, digest: Digest): BlobFiles {
  const directory = join(root, 'blobs', digestAlgorithm(digest))
  const whole = join(directory, digestHex(digest))
  return { directory, whole, partial: `${whole}.partial` }
}

/** A directory for this user alone that can be written to; it is made if need be. Throws FILE. */
export async function prepareDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
  } catch (error) {
    throw fileError(`write to the directory ${path}`, error)
  }
}

/** Windows has no such flag, and lets only administrators make symbolic links. */
const noFollow = constants.O_NOFOLLOW ?? 0

/** Opens a blob for reading; undefined when it is not there, or a symbolic link is. Throws FILE. */
export async function openForReading(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | noFollow)
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return undefined
    throw fileError(`read ${path}`, error)
  }
}

/** Opens a partial blob for reading and writing; it is made if need be, and takes the place of a symbolic link. Throws FILE. */
export async function openForWriting(path: string): Promise<FileHandle> {
  try {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isSymbolicLink()) await rm(path)
    return await open(path, constants.O_RDWR | constants.O_CREAT | noFollow, 0o600)
  } catch (error) {
    throw fileError(`write ${path}`, error)
  }
}

/** Throws FILE; a file that is gone already is no error. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (error) {
    throw fileError(`remove ${path}`, error)
  }
}

const pieceSize = 1024 * 1024

/** Feeds the first `size` bytes of a file to `onPiece`, or fewer when it has no more; the pieces share their memory. Throws FILE. */
export async function readPieces(
  file: FileHandle,
  {
    size = Number.POSITIVE_INFINITY,
    path,
    onPiece,
  }: { size?: number; path: string; onPiece: (piece: Buffer) => void },
): Promise<number> {
  const buffer = Buffer.allocUnsafe(pieceSize)
  let position = 0
  while (position < size) {
    const length = await readAt(file, buffer.subarray(0, Math.min(pieceSize, size - position)), {
      position,
      path,
    })
    if (length === 0) break
    onPiece(buffer.subarray(0, length))
    position += length
  }
  return position
}

/** Reads into a buffer, as much as there is at once; resolves to how much. Throws FILE. */
export async function readAt(
  file: FileHandle,
  buffer: Buffer,
  { position, path }: { readonly position: number; readonly path: string },
): Promise<number> {
  try {
    return (await file.read(buffer, 0, buffer.length, position)).bytesRead
  } catch (error) {
    throw fileError(`read ${path}`, error)
  }
}

/** True when the name stands for this open file, and not for one that someone put in its place. */
export async function isNameOf(path: string, file: FileHandle): Promise<boolean> {
  const [named, opened] = await Promise.all([
    lstat(path, { bigint: true }).catch(() => undefined),
    file.stat({ bigint: true }),
  ])
  return named?.ino === opened.ino && named.dev === opened.dev
}
