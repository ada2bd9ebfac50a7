import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { isNameOf, readAt, removeFile } from '../store/blob-files.ts'
import type { BlobWriter } from '../store/blob-store.ts'
import { openPartial, type Partial } from '../store/open-partial.ts'
import { createPlacedBlobs } from '../store/placed-blobs.ts'
import { prepareDirectory } from '../store/prepare-directory.ts'
import { replaced } from '../store/write-blob.ts'
import { fileError } from '../streams/file-error.ts'
import { writeAll } from '../streams/file-sink.ts'
import { type ArchivePlan, planArchive } from './archive-plan.ts'
import { type FileOutput, finishArchive } from './file-output.ts'
import { type EarlyFlush, flushEarly } from './flush-early.ts'
import type { OciEntry } from './oci-archive.ts'
import type { Output } from './output.ts'

/** An archive that blobs are written into at once, each at its place: no byte is written twice. */
export interface InPlaceOutput extends Omit<Output, 'write'> {
  /** Writes what is at hand of the entries; all is there when the blobs of the others have been written. Throws FILE, and the reason of `signal`. */
  place(entries: readonly OciEntry[], signal: AbortSignal): Promise<BlobWriter>
}

/**
 * The archive grows in a directory beside its place. When the pull fails or is killed it stays there, as far as it has come,
 * and the next pull of the same images goes on with it.
 */
export function openInPlaceOutput(output: FileOutput, directory: string): InPlaceOutput {
  const { path } = output
  const whole = join(directory, 'archive.tar')
  const files = { directory, whole, partial: `${whole}.partial` }
  let hasArrived = false
  let growing: Growing | undefined
  return {
    path,
    async place(entries, signal) {
      const plan = await planArchive(entries)
      await prepareDirectory(directory)
      const partial = await openPartial(files, { size: plan.size, fresh: false, mode: 0o666, signal })
      const flush = flushEarly(partial.file, path)
      growing = { partial, plan, flush }
      const left = await findLeft(partial, plan)
      for (const { position, bytes } of plan.known) await writeAll(partial.file, [bytes], { position, path })
      hasArrived = left > 0
      const onArrived = (bytes: number) => {
        hasArrived = true
        flush.count(bytes)
      }
      return createPlacedBlobs({ ...plan, file: partial.file, path, left, onArrived })
    },
    async commit(signal) {
      if (!growing) throw new Error('an archive must be placed before it can be whole')
      const { partial, flush } = growing
      const { size } = growing.plan
      const { file, claim } = partial
      if (!(await isNameOf(claim.path, file))) throw replaced(claim.path)
      await finishArchive(file, { flush, size, path })
      signal.throwIfAborted()
      await output.replaceWith(claim.path)
      claim.end()
      growing = undefined
      return { size }
    },
    async abort() {
      await output.abort()
      if (!growing) return
      const { partial, flush } = growing
      growing = undefined
      await flush.end().catch(() => {})
      await (hasArrived ? leave(partial, files.partial) : discard(partial))
    },
  }
}

interface Growing {
  readonly partial: Partial
  readonly plan: ArchivePlan
  readonly flush: EarlyFlush
}

/** How much an earlier pull left that began the same archive; anything else is thrown away. */
async function findLeft({ file, claim }: Partial, { known }: ArchivePlan): Promise<number> {
  const { bytes: head } = known[0] ?? { bytes: Buffer.alloc(0) }
  const found = Buffer.alloc(head.length)
  await readAt(file, found, { position: 0, path: claim.path })
  try {
    // It names every blob, and so it tells where each is.
    if (found.equals(head)) return (await file.stat()).size
    await file.truncate()
    return 0
  } catch (error) {
    throw fileError(`write ${claim.path}`, error)
  }
}

/** For the next pull. Never throws. */
async function leave({ file, claim }: Partial, path: string): Promise<void> {
  await file.close().catch(() => {})
  // Under the name that it has, it is found as well.
  await rename(claim.path, path).catch(() => {})
  claim.end()
}

async function discard({ file, claim }: Partial): Promise<void> {
  await file.close().catch(() => {})
  await removeFile(claim.path).catch(() => {})
  claim.end()
}
