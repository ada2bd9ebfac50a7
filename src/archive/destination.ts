import { lstat, mkdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import type { Image } from '../image/image.ts'
import type { BlobStore, BlobWriter } from '../store/blob-store.ts'
import { openDirectoryStore } from '../store/directory-store.ts'
import { checkDirectory, prepareDirectory } from '../store/prepare-directory.ts'
import { removeBlobs, removeEmptyPlaces } from '../store/remove-blobs.ts'
import { createClaim, sweepClaims } from '../streams/claim.ts'
import { fileError } from '../streams/file-error.ts'
import type { ArchiveFormat } from './archive-format.ts'
import { openFileOutput } from './file-output.ts'
import { archiveFormats } from './formats.ts'
import { openInPlaceOutput } from './in-place-output.ts'
import { ociArchive, ociLayout } from './oci-archive.ts'
import type { Output } from './output.ts'
import { openDevice, openFifo } from './special-file.ts'
import { openStreamOutput, writeError } from './stream-output.ts'

/** Where the archive goes, and where blobs wait until it is whole. */
export interface Destination {
  readonly output: Omit<Output, 'write'>
  /** Makes ready for these images. Throws FILE, and the reason of `signal`. */
  prepare(images: readonly Image[], signal: AbortSignal): Promise<Preparation>
  /** Made when the first blob comes. */
  readonly blobDirectory: string
  /** What is in it, when it stays there also after a pull that succeeds. */
  readonly cache: BlobStore | undefined
  /** Whether a later pull finds there what has arrived, when this one fails. */
  readonly keepsBlobs: boolean
  /**
   * Removes the blobs: at the end of a pull that succeeded, or always when no later pull could find them again; otherwise
   * the places for them, where they are empty. What another pull may be using stays. Throws FILE and PIPE_CLOSED when the end of a device or FIFO could not be written.
   */
  cleanUp(outcome: 'success' | 'failure'): Promise<void>
}

/** The two lanes of a pull meet here. */
export interface Preparation {
  /** To be brought the blobs of the images. */
  readonly blobs: BlobWriter
  /** Whether it is of use to know the ends of large blobs before the rest: then it is known early where their contents go. */
  readonly wantsEnds?: boolean | undefined
  /** Writes the archive, while they come. Throws what {@link Output.write} throws. */
  write(): Promise<void>
}

export interface DestinationOptions {
  readonly format: ArchiveFormat['name']
  /** A file; a directory (it exists, or the path ends in a separator); `-` for `stdout`. */
  readonly path: string
  /** The file's name when `path` is a directory. */
  readonly defaultName: string
  readonly stdout: Writable | undefined
  /** Keeps blobs for later pulls, in this directory, unless it cannot be written to. */
  readonly cache: string | undefined
  /** Told when the cache is not used, or everybody may write to it. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/**
 * Opens the place that the archive goes to, before the network is touched, so that a missing directory or permission
 * costs nothing. A device or a FIFO is written to as it is, never replaced. Throws FILE and USAGE.
 */
export async function openDestination(options: DestinationOptions): Promise<Destination> {
  const { path, stdout, onWarning = () => {} } = options
  if (path === '-' && !stdout) throw new DrayError('USAGE', 'no stream was given to write the archive to')
  const cache = options.cache === undefined ? undefined : await openCache(options.cache, onWarning)
  const place = { format: archiveFormats[options.format], cache }
  if (path === '-' && stdout) return streamDestination(stdout, '-', place)
  const target = await findTarget(path, options.defaultName)
  if (target.kind === 'device') return specialDestination(openDevice(target.path), target.path, place)
  if (target.kind === 'fifo') return specialDestination(openFifo(target.path), target.path, place)
  return fileDestination(target.path, place)
}

/**
 * The cache, when it can be written to. One of which the system lets us keep nothing is not worth a pull: it goes on
 * without. Throws FILE for one that it would not be safe to use.
 */
async function openCache(cache: string, onWarning: (message: string) => void): Promise<Cache | undefined> {
  try {
    await prepareDirectory(cache, { mayBeLink: true, onWarning })
    await prepareDirectory(join(cache, 'blobs'))
    await checkDirectory(join(cache, 'blobs', 'sha256'))
    return { directory: cache, store: await openDirectoryStore(cache) }
  } catch (error) {
    const cause = error instanceof DrayError ? systemErrorCode(error.cause) : undefined
    if (!['EACCES', 'EROFS'].includes(cause ?? '')) throw error
    onWarning(`${Object(error).message}; going on without the cache`)
    return undefined
  }
}

interface Place extends Pick<Preparation, 'wantsEnds'> {
  readonly format: ArchiveFormat
  readonly cache: Cache | undefined
}

interface Cache {
  readonly directory: string
  readonly store: BlobStore
}

interface Target {
  readonly path: string
  readonly kind: 'file' | 'device' | 'fifo'
}

async function findTarget(path: string, defaultName: string): Promise<Target> {
  const kind = await kindOf(path)
  if (kind === 'directory') return findTarget(join(path, defaultName), defaultName)
  if (/[/\\]$/.test(path) && kind === 'missing') {
    throw new DrayError('FILE', `the directory ${path} does not exist`, { hint: 'create it, or name a file' })
  }
  if (kind === 'socket') {
    throw new DrayError('FILE', `cannot write ${path}: it is a socket`, { hint: 'use -o - for stdout' })
  }
  return { path: absolutePath(path), kind: kind === 'missing' ? 'file' : kind }
}

function absolutePath(path: string): string {
  try {
    return resolve(path)
  } catch (error) {
    throw fileError('find the working directory', error)
  }
}

async function kindOf(path: string): Promise<Target['kind'] | 'directory' | 'socket' | 'missing'> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return 'directory'
    if (stats.isFIFO()) return 'fifo'
    if (stats.isSocket()) return 'socket'
    return stats.isFile() ? 'file' : 'device'
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'missing'
    throw fileError(`look at ${path}`, error)
  }
}

/** Beside the file, the blobs have a directory, where the same pull finds them again. */
async function fileDestination(path: string, place: Place): Promise<Destination> {
  const { cache } = place
  const blobDirectory = cache?.directory ?? `${path}.partial`
  if (!cache) await checkDirectory(blobDirectory)
  const output = await openFileOutput(path)
  const common = {
    blobDirectory,
    cache: cache?.store,
    keepsBlobs: true,
    async cleanUp(outcome: 'success' | 'failure') {
      if (cache || (await output.isShared())) return
      await (outcome === 'success' ? removeBlobs : removeEmptyPlaces)(blobDirectory)
    },
  }
  if (place.format !== ociArchive || cache || (await isElsewhere(path)) || (await hasBlobs(blobDirectory))) {
    return {
      ...common,
      output,
      prepare: preparer(output, blobDirectory, { ...place, wantsEnds: place.format !== ociArchive }),
    }
  }
  const inPlace = openInPlaceOutput(output, blobDirectory)
  return {
    ...common,
    output: inPlace,
    prepare: async (images, signal) => ({
      blobs: await inPlace.place(ociLayout(images), signal),
      write: async () => {},
    }),
  }
}

/** Then the archive has its place beside what the link points to, perhaps in another file system. */
async function isElsewhere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false
}

/** Left by a pull into an archive of another format. */
async function hasBlobs(directory: string): Promise<boolean> {
  return (await stat(join(directory, 'blobs')).catch(() => undefined)) !== undefined
}

/** Blobs come into a store of their own, and into the archive from there. */
function preparer(
  output: Output,
  blobDirectory: string,
  { format, cache, wantsEnds }: Place,
): Destination['prepare'] {
  return async (images, signal) => {
    const store = cache?.store ?? (await openDirectoryStore(blobDirectory))
    return { blobs: store, wantsEnds, write: () => output.write(format.entries(images, store), signal) }
  }
}

/** A device or a FIFO; unlike stdout, it is closed at the end. */
async function specialDestination(stream: Writable, path: string, place: Place): Promise<Destination> {
  const destination = await streamDestination(stream, path, place)
  return {
    ...destination,
    async cleanUp(outcome) {
      if (outcome === 'failure') stream.destroy()
      try {
        if (outcome === 'success') await finished(stream.end())
      } catch (error) {
        throw writeError(error, path)
      } finally {
        await destination.cleanUp(outcome)
      }
    },
  }
}

/** What waits to be sent is of no use to a later pull: it would not know where to look. */
async function streamDestination(stream: Writable, name: string, place: Place): Promise<Destination> {
  const { cache } = place
  const stem = join(tmpdir(), 'dray')
  const claim = createClaim(stem)
  const ended = new AbortController()
  await mkdir(claim.path, { mode: 0o700 }).catch((error) => {
    claim.end()
    throw fileError(`make the directory ${claim.path}`, error)
  })
  const swept = sweepClaims(stem, 'directory', ended.signal)
  const output = openStreamOutput(stream, { name, spoolDirectory: claim.path })
  const blobDirectory = cache?.directory ?? claim.path
  return {
    output,
    prepare: preparer(output, blobDirectory, place),
    blobDirectory,
    cache: cache?.store,
    keepsBlobs: cache !== undefined,
    async cleanUp() {
      ended.abort()
      await swept
      await rm(claim.path, { recursive: true, force: true }).catch(() => {})
      claim.end()
    },
  }
}
