import type { Stats } from 'node:fs'
import { type FileHandle, open, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { geteuid } from 'node:process'
import { DrayError, systemErrorCode } from '../errors.ts'
import { digestHex, digestOf } from '../oci/digest.ts'
import { createClaim, findClaims, sweepClaims } from '../streams/claim.ts'
import { fileError } from '../streams/file-error.ts'
import { writeAll } from '../streams/file-sink.ts'
import { moveFile } from '../streams/move-file.ts'
import type { ArchiveEntry } from './archive-format.ts'
import { type EarlyFlush, flushEarly } from './flush-early.ts'
import { createLayerWorkers } from './layer-workers.ts'
import type { Output } from './output.ts'
import { placeEntries } from './place-entries.ts'
import { endOfArchive } from './tar.ts'

/** An archive in a file. */
export interface FileOutput extends Output {
  /** True unless it is certain that no other process is writing an archive of this name. */
  isShared(): Promise<boolean>
  /** Lets a finished archive, a file in the same file system, appear instead of what was written. Throws FILE. */
  replaceWith(path: string): Promise<void>
}

export interface FileOutputOptions {
  /** What threads run, for those who have it elsewhere than in the package. */
  readonly workerFile?: URL | undefined
}

/**
 * An archive in a file, which appears under its name when it is whole; until then a file that was there stays. It is
 * written beside it, to a file of its own; what killed processes left of such files is removed. Of several who write the
 * same archive, the last wins. A symbolic link is kept, and what it points to replaced.
 * Throws FILE at once when the directory is missing or not writable, or the path is a directory.
 */
export async function openFileOutput(
  path: string,
  { workerFile }: FileOutputOptions = {},
): Promise<FileOutput> {
  const target = await resolveTarget(path)
  const stem = join(dirname(target), temporaryStem(basename(target)))
  const claim = createClaim(stem)
  const file = await createFile(claim.path, path).catch((error) => {
    claim.end()
    throw error
  })
  const ended = new AbortController()
  const swept = sweepClaims(stem, 'file', ended.signal)
  const flush = flushEarly(file, path)
  let end = 0
  const discard = async () => {
    await flush.end().catch(() => {})
    await file.close().catch(() => {})
    await rm(claim.path, { force: true }).catch(() => {})
    claim.end()
  }
  return {
    path,
    async write(entries, signal) {
      const list = [...entries]
      const workers = blobSizes(list) >= worthThreads ? createLayerWorkers(workerFile) : undefined
      try {
        end = await placeEntries(list, { file, path, offset: 0, workers, onWritten: flush.count, signal })
      } finally {
        await workers?.close()
      }
    },
    async commit(signal) {
      const size = await writeAll(file, [endOfArchive], { position: end, path })
      await finishArchive(file, { flush, size, path })
      signal.throwIfAborted()
      await moveInPlace(claim.path, target)
      claim.end()
      return { size }
    },
    abort: discard,
    async replaceWith(finished) {
      await moveInPlace(finished, target)
      await discard()
    },
    async isShared() {
      ended.abort()
      await swept
      await sweepClaims(stem, 'file', ended.signal)
      const claims = await findClaims(stem).catch(() => undefined)
      return claims === undefined || claims.some((other) => other !== claim.path)
    },
  }
}

/** Brings an archive to the disk, and closes it. What reaches further than it, from an entry that failed, is cut off. Throws FILE. */
export async function finishArchive(
  file: FileHandle,
  { flush, size, path }: { readonly flush: EarlyFlush; readonly size: number; readonly path: string },
): Promise<void> {
  await flush.end()
  try {
    await file.truncate(size)
    await file.sync()
    await file.close()
  } catch (error) {
    throw fileError(`write ${path} (${size} bytes)`, error)
  }
}

async function resolveTarget(path: string): Promise<string> {
  try {
    const target = await realpath(path)
    const stats = await stat(target)
    if (stats.isFile()) {
      await refuseIrreplaceable(target, stats)
      return target
    }
    const kind = stats.isDirectory() ? 'a directory' : 'no regular file'
    throw new DrayError('FILE', `cannot write ${path}: it is ${kind}`, { hint: 'name a file' })
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return path
    throw error instanceof DrayError ? error : fileError(`write ${path}`, error)
  }
}

const sticky = 0o1000

/** In a directory like /tmp, people can replace only what is theirs; better told before the download than after it. */
async function refuseIrreplaceable(target: string, { uid }: Stats): Promise<void> {
  const directory = await stat(dirname(target))
  const user = geteuid?.()
  if (!user || (directory.mode & sticky) === 0 || [uid, directory.uid].includes(user)) return
  throw new DrayError('FILE', `cannot replace ${target}: it belongs to another user (uid ${uid})`, {
    hint: 'name another file',
  })
}

/** A file name can have 255 bytes: a long one is cut, yet not so that two become one. */
function temporaryStem(name: string): string {
  if (Buffer.byteLength(name) <= 150) return `.${name}`
  return `.${digestHex(digestOf(name)).slice(0, 16)}`
}

/** Exclusive creation follows no link and opens nothing that someone else has put there. */
async function createFile(temporary: string, path: string): Promise<FileHandle> {
  try {
    return await open(temporary, 'wx', 0o666)
  } catch (error) {
    throw fileError(`write ${path}`, error)
  }
}

/** In bytes: below this, in all, threads take longer to make than they save. */
const worthThreads = 8 * 1024 * 1024

function blobSizes(entries: readonly ArchiveEntry[]): number {
  return entries.reduce((sum, entry) => sum + ((entry.type === 'file' && entry.layer?.blobSize) || 0), 0)
}

async function moveInPlace(temporary: string, target: string): Promise<void> {
  try {
    await moveFile(temporary, target)
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
