import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import { fileError } from '../streams/file-error.ts'
import { fileSink, writeAll } from '../streams/file-sink.ts'
import type { ArchiveEntry, FileEntry } from './archive-format.ts'
import type { Output } from './output.ts'
import { endOfArchive, padding, tarHeader } from './tar.ts'

/**
 * An archive in a file, which appears under its name when it is whole; until then a file that was there stays. It is
 * written beside it, to `.<name>.<random>.partial`. A symbolic link is kept, and what it points to replaced.
 * Throws FILE at once when the directory is missing or not writable, or the path is a directory.
 */
export async function openFileOutput(path: string): Promise<Output> {
  const target = await resolveTarget(path)
  const temporary = join(dirname(target), temporaryName(basename(target)))
  const file = await createFile(temporary, path)
  let offset = 0
  return {
    path,
    async append(entry, signal) {
      offset = await writeEntry(entry, { file, path, offset, signal })
    },
    async commit(signal) {
      const size = await writeAll(file, [endOfArchive], { position: offset, path })
      await finish(file, { size, path })
      signal.throwIfAborted()
      await moveInPlace(temporary, target)
      return { size }
    },
    async abort() {
      await file.close().catch(() => {})
      await rm(temporary, { force: true }).catch(() => {})
    },
  }
}

async function resolveTarget(path: string): Promise<string> {
  try {
    const target = await realpath(path)
    const stats = await stat(target)
    if (stats.isFile()) return target
    const kind = stats.isDirectory() ? 'a directory' : 'no regular file'
    throw new DrayError('FILE', `cannot write ${path}: it is ${kind}`, { hint: 'name a file' })
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return path
    throw error instanceof DrayError ? error : fileError(`write ${path}`, error)
  }
}

/** Cut short, for a file name can have 255 bytes. */
function temporaryName(name: string): string {
  return `.${name.slice(0, 64)}.${randomBytes(6).toString('hex')}.partial`
}

/** Exclusive creation follows no link and opens nothing that someone else has put there. */
async function createFile(temporary: string, path: string): Promise<FileHandle> {
  try {
    return await open(temporary, 'wx', 0o666)
  } catch (error) {
    throw fileError(`write ${path}`, error)
  }
}

interface Place {
  readonly file: FileHandle
  /** Named in messages. */
  readonly path: string
  readonly offset: number
  readonly signal: AbortSignal
}

/** Resolves to the offset after the entry. */
async function writeEntry(entry: ArchiveEntry, { file, path, offset, signal }: Place): Promise<number> {
  const start = offset + (await tarHeader(entry, 0)).length
  const size = entry.type === 'file' ? await writeContent(entry, { file, path, offset: start, signal }) : 0
  await writeAll(file, [await tarHeader(entry, size)], { position: offset, path })
  return writeAll(file, [padding(size)], { position: start + size, path })
}

/** Content first: only then is its size known, and with it the header. */
async function writeContent(entry: FileEntry, { file, path, offset, signal }: Place): Promise<number> {
  let end = offset
  const onWritten = (position: number) => {
    end = position
  }
  await pipeline(entry.open(signal), fileSink(file, { position: offset, path, onWritten }), { signal })
  return end - offset
}

/** An entry that failed may have reached further than the archive. */
async function finish(
  file: FileHandle,
  { size, path }: { readonly size: number; readonly path: string },
): Promise<void> {
  try {
    await file.truncate(size)
    await file.sync()
    await file.close()
  } catch (error) {
    throw fileError(`write ${path} (${size} bytes)`, error)
  }
}

async function moveInPlace(temporary: string, target: string): Promise<void> {
  try {
    await rename(temporary, target)
  } catch (error) {
    throw fileError(`rename the finished archive to ${target}`, error)
  }
  await syncDirectory(dirname(target)).catch(() => {})
}

/** Makes the new name survive a crash, where the system can do that. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  await directory.sync().finally(() => directory.close())
}
