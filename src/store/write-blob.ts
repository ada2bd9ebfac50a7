import { createHash } from 'node:crypto'
import { type FileHandle, rename } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, finishDigest, shortDigest } from '../oci/digest.ts'
import { fileError } from '../streams/file-error.ts'
import { fileSink } from '../streams/file-sink.ts'
import { mismatch } from '../streams/verify.ts'
import { type BlobFiles, isNameOf, openForWriting, readPieces, removeFile } from './blob-files.ts'
import type { BlobSource } from './blob-store.ts'

export interface BlobWrite {
  readonly descriptor: Descriptor
  readonly files: BlobFiles
  readonly source: BlobSource
  readonly signal: AbortSignal
  /** The first so many bytes are there. */
  readonly onAvailable: (size: number) => void
  /** What was there has been thrown away. */
  readonly onDiscard: () => void
}

/**
 * Brings a blob into its file: goes on from what an earlier attempt left, verifies size and digest, renames. What does
 * not match is thrown away and fetched once more from the start: an old beginning or a bad moment may have spoilt it.
 * Throws INTEGRITY when it still does not match, FILE, and whatever the source throws; then what has arrived stays.
 */
export async function writeBlob(write: BlobWrite): Promise<void> {
  if ((await attempt(write)) === null) return
  const problem = await attempt(write)
  if (problem) throw problem
}

/** Null when the blob is in its place; otherwise what is wrong with the bytes, which are gone. */
async function attempt(write: BlobWrite): Promise<DrayError | null> {
  const file = await openPartial(write)
  try {
    const problem = await receive(file, write)
    if (problem) {
      write.onDiscard()
      await removeFile(write.files.partial)
    } else {
      await putInPlace(file, write)
    }
    return problem
  } finally {
    await file.close()
  }
}

/** Never cuts a file short that someone else may be writing to: one that is too long makes room for a new one. */
async function openPartial({ files, descriptor }: BlobWrite): Promise<FileHandle> {
  const file = await openForWriting(files.partial)
  const { size } = await file.stat()
  if (size <= descriptor.size) return file
  await file.close()
  await removeFile(files.partial)
  return openForWriting(files.partial)
}

/**
 * Hashes what is there, then what the source sends. Nothing is flushed to the disk on the way, for a machine that
 * crashes costs time only: bytes that were there before this process are hashed before they count.
 */
async function receive(file: FileHandle, write: BlobWrite): Promise<DrayError | null> {
  const { descriptor, files, source, signal, onAvailable } = write
  const algorithm = digestAlgorithm(descriptor.digest)
  const hash = createHash(algorithm)
  const path = files.partial
  const onPiece = (piece: Buffer) => {
    signal.throwIfAborted()
    hash.update(piece)
  }
  const found = await readPieces(file, { path, size: descriptor.size, onPiece })
  let size = found
  onAvailable(size)

  const what = `blob ${shortDigest(descriptor.digest)}`
  const outcome = () => mismatch(descriptor, { digest: finishDigest(hash, algorithm), size }, what)
  if (size === descriptor.size) return outcome()

  const tooLong = new Error('more bytes than announced')
  const onChunk = (chunk: Buffer) => {
    size += chunk.length
    if (size > descriptor.size) throw tooLong
    hash.update(chunk)
  }
  try {
    const body = await source(found, signal)
    await pipeline(body, fileSink(file, { position: found, path, onChunk, onWritten: onAvailable }), {
      signal,
    })
  } catch (error) {
    if (error !== tooLong) throw error
  }
  return outcome()
}

/** Another process that writes to the same file may have been faster to rename it; what counts is which file it is. */
async function putInPlace(file: FileHandle, { files, descriptor }: BlobWrite): Promise<void> {
  const { partial, whole } = files
  if (await isNameOf(partial, file)) await moveFile(partial, whole)
  if (await isNameOf(whole, file)) return
  throw new DrayError(
    'FILE',
    `${partial} was replaced while ${shortDigest(descriptor.digest)} was written to it`,
    {
      hint: 'another dray may be using the same directory; try again when it is done',
    },
  )
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw fileError(`rename ${from} to ${to}`, error)
  }
}
