import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import { openFileOutput } from './file-output.ts'
import type { Output } from './output.ts'
import { openStreamOutput } from './stream-output.ts'

/** Where the archive goes, and where blobs wait until it is whole. */
export interface Destination {
  readonly output: Output
  /** Made when the first blob comes. */
  readonly blobDirectory: string
  /** Removes the blobs: at the end of a pull that succeeded, or always when no later pull could find them again. */
  cleanUp(outcome: 'success' | 'failure'): Promise<void>
}

export interface DestinationOptions {
  /** A file; a directory (it exists, or the path ends in a separator); `-` for `stdout`. */
  readonly path: string
  /** The file's name when `path` is a directory. */
  readonly defaultName: string
  readonly stdout: Writable | undefined
  /** Keeps blobs for later pulls, in this directory. */
  readonly cache: string | undefined
}

/**
 * Opens the place that the archive goes to, before the network is touched, so that a missing directory or permission
 * costs nothing. A device or a FIFO is written to as it is, never replaced. Throws FILE and USAGE.
 */
export async function openDestination(options: DestinationOptions): Promise<Destination> {
  const { path, stdout, cache } = options
  if (path === '-') {
    if (!stdout) throw new DrayError('USAGE', 'no stream was given to write the archive to')
    return streamDestination(stdout, '-', cache)
  }
  const file = await targetFile(path, options.defaultName)
  if (file.special) return specialDestination(file.path, cache)
  const output = await openFileOutput(file.path)
  const blobDirectory = cache ?? `${file.path}.partial`
  return {
    output,
    blobDirectory,
    async cleanUp(outcome) {
      if (!cache && outcome === 'success') await rm(blobDirectory, { recursive: true, force: true })
    },
  }
}

async function targetFile(path: string, defaultName: string): Promise<{ path: string; special: boolean }> {
  const kind = await kindOf(path)
  if (kind === 'directory') return targetFile(join(path, defaultName), defaultName)
  if (/[/\\]$/.test(path) && kind === 'missing') {
    throw new DrayError('FILE', `the directory ${path} does not exist`, { hint: 'create it, or name a file' })
  }
  return { path: resolve(path), special: kind === 'special' }
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'special' | 'missing'> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return 'directory'
    return stats.isFile() ? 'file' : 'special'
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'missing'
    throw new DrayError('FILE', `cannot look at ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** A device or a FIFO; unlike stdout, it is closed at the end. */
async function specialDestination(path: string, cache: string | undefined): Promise<Destination> {
  const stream = createWriteStream(path)
  const destination = await streamDestination(stream, path, cache)
  return {
    ...destination,
    async cleanUp(outcome) {
      if (outcome === 'success') await finished(stream.end())
      else stream.destroy()
      await destination.cleanUp(outcome)
    },
  }
}

async function streamDestination(
  stream: Writable,
  name: string,
  cache: string | undefined,
): Promise<Destination> {
  const workDirectory = await mkdtemp(join(tmpdir(), 'dray-'))
  return {
    output: openStreamOutput(stream, { name, spoolDirectory: workDirectory }),
    blobDirectory: cache ?? workDirectory,
    cleanUp: () => rm(workDirectory, { recursive: true, force: true }),
  }
}
