import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { systemErrorCode } from '../errors.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'

/** Where one blob is kept. A digest is hex digits, so these are safe names. */
export interface BlobFiles {
  readonly directory: string
  /** Holds the blob when it is whole. */
  readonly whole: string
  /** Holds what has arrived of it when no one is at work on it. */
  readonly partial: string
}

export function blobFiles(root: string, digest: Digest): BlobFiles {
  const directory = join(root, 'blobs', digestAlgorithm(digest))
  const whole = join(directory, digestHex(digest))
  return { directory, whole, partial: `${whole}.partial` }
}

/** Windows has neither, and lets only administrators make symbolic links. A FIFO would make an open wait for its other end. */
const carefully = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Opens a blob for reading; undefined when there is no file that we may read, whatever else is there. Throws FILE. */
export async function openForReading(path: string): Promise<FileHandle | undefined> {
  try {
    return await onlyIf(isRegular, await open(path, constants.O_RDONLY | carefully))
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EACCES', 'ENXIO'].includes(systemErrorCode(error) ?? '')) return undefined
    throw fileError(`read ${path}`, error)
  }
}

/** Opens what was left of a blob, to go on writing; undefined when it is not a file of ours alone. Throws FILE. */
export async function reopen(path: string): Promise<FileHandle | undefined> {
  try {
    return await onlyIf(isOursAlone, await open(path, constants.O_RDWR | carefully))
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EACCES', 'EISDIR', 'ENXIO'].includes(systemErrorCode(error) ?? ''))
      return undefined
    throw fileError(`write ${path}`, error)
  }
}

/** Makes a file, for this user alone unless told otherwise. Throws FILE. */
export async function createFile(path: string, mode = 0o600): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', mode)
  } catch (error) {
    throw fileError(`write ${path}`, error)
  }
}

/** A file that is not given back is closed. */
async function onlyIf(fits: (stats: Stats) => boolean, file: FileHandle): Promise<FileHandle | undefined> {
  let isFit = false
  try {
    isFit = fits(await file.stat())
  } finally {
    if (!isFit) await closeRead(file)
  }
  return isFit ? file : undefined
}

/** Closes a file that was only read: what that may fail with says nothing about the bytes. */
export async function closeRead(file: FileHandle): Promise<void> {
  await file.close().catch(() => {})
}

const isRegular = (stats: Stats): boolean => stats.isFile()

/** Under a second name, what is written would turn up where it does not belong. */
const isOursAlone = (stats: Stats): boolean =>
  stats.isFile() && stats.nlink === 1 && (!geteuid || stats.uid === geteuid())

/** Throws FILE; a file that is gone already is no error. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (error) {
    throw fileError(`remove ${path}`, error)
  }
}

const pieceSize = 1024 * 1024

export interface PiecesOptions {
  /** Where in the file the first piece begins; default: at its start. */
  readonly from?: number
  /** Bytes of all pieces; default: to its end. */
  readonly size?: number
  readonly path: string
  readonly onPiece: (piece: Buffer) => void
}

/** Feeds bytes of a file to `onPiece`, fewer when it has no more, and resolves to how many; the pieces share their memory. Throws FILE. */
export async function readPieces(file: FileHandle, options: PiecesOptions): Promise<number> {
  const { from = 0, size = Number.POSITIVE_INFINITY, path, onPiece } = options
  const buffer = Buffer.allocUnsafe(pieceSize)
  let count = 0
  while (count < size) {
    const piece = buffer.subarray(0, Math.min(pieceSize, size - count))
    const length = await readAt(file, piece, { position: from + count, path })
    if (length === 0) break
    onPiece(piece.subarray(0, length))
    count += length
  }
  return count
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

/** True when the name stands for this open file, and not for one that someone put in its place. Throws FILE. */
export async function isNameOf(path: string, file: FileHandle): Promise<boolean> {
  const [named, opened] = await Promise.all([
    lstat(path, { bigint: true }).catch(() => undefined),
    file.stat({ bigint: true }).catch((error) => {
      throw fileError(`look at ${path}`, error)
    }),
  ])
  return named?.ino === opened.ino && named.dev === opened.dev
}
