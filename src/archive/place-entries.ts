import { setMaxListeners } from 'node:events'
import type { FileHandle } from 'node:fs/promises'
import { closeRead } from '../store/blob-files.ts'
import { countGarbage } from '../streams/collect-garbage.ts'
import { pipeToFile, writeAll } from '../streams/file-sink.ts'
import type { ArchiveEntry, FileEntry, LayerContent } from './archive-format.ts'
import { threadChooser } from './choose-thread.ts'
import { runLayerJob } from './layer-job.ts'
import { sinkToArchive } from './layer-sink.ts'
import type { LayerWorkers, PreparedJob, RunOptions } from './layer-workers.ts'
import { promiseSizes } from './promised-sizes.ts'
import { headerSize, padding, tarHeader } from './tar.ts'
import { onceMoreWhenSettled } from './write-in-order.ts'

export interface Place {
  /** The archive, and what it is called in messages. */
  readonly file: FileHandle
  readonly path: string
  /** Where in it the first entry begins, in bytes. */
  readonly offset: number
  /** Threads for large layers; without them, one entry is written after another. */
  readonly workers: LayerWorkers | undefined
  /** Told now and then how much has been written since, in bytes. */
  readonly onWritten?: (size: number) => void
  readonly signal: AbortSignal
}

/**
 * Writes entries into a file, several layers at a time: one begins as soon as the sizes of all before it are known, if need
 * be from what their blobs say of themselves. From one on that lied, all is written again, one after another.
 * Resolves, when nothing is written any more, to where the last entry ends. Throws what the entries and the file do.
 */
export async function placeEntries(entries: readonly ArchiveEntry[], place: Place): Promise<number> {
  const { end, liar } = await placeAll(entries, place, { trust: true })
  if (!liar) return end
  const again = await placeAll(entries.slice(liar.index), { ...place, offset: liar.offset }, { trust: false })
  return again.end
}

/** Whether what a blob says of the size of its content counts. */
interface Trust {
  readonly trust: boolean
}

/** A layer that proved to have another size than its blob said. */
interface Liar {
  readonly index: number
  /** Where its place begins, which is right. */
  readonly offset: number
}

async function placeAll(
  entries: readonly ArchiveEntry[],
  place: Place,
  { trust }: Trust,
): Promise<{ readonly end: number; readonly liar: Liar | undefined }> {
  const failed = new AbortController()
  const signal = AbortSignal.any([place.signal, failed.signal])
  setMaxListeners(0, signal)
  const running: Promise<unknown>[] = []
  const suspects: Promise<Liar | undefined>[] = []
  /** What is small goes out together, before the next large thing. */
  const ready: Uint8Array[] = []
  const promisedSize = promiseSizes(trust && place.workers ? entries : [], signal)
  const chooseThread = threadChooser(entries, signal)
  let offset = place.offset
  try {
    for (const [index, entry] of entries.entries()) {
      signal.throwIfAborted()
      if (entry.type !== 'file' || entry.bytes) {
        ready.push(...(await wholeEntry(entry, 'bytes' in entry ? entry.bytes : undefined)))
        continue
      }
      offset = await writeAll(place.file, ready.splice(0), { position: offset, path: place.path })
      const start = offset + headerSize(entry)
      const content = writeContent(
        entry,
        { ...place, offset: start, signal },
        { chooseThread, promised: promisedSize(entry) },
      )
      const suspect = exposeLiar(content, { index, offset })
      // At once: it may fail long before the others have come so far that it is waited for.
      suspect.catch((error) => failed.abort(error))
      suspects.push(suspect)
      running.push(content.written)
      offset = await frameContent(entry, { ...place, offset }, { start, size: await content.size })
    }
    offset = await writeAll(place.file, ready, { position: offset, path: place.path })
    return { end: offset, liar: (await Promise.all(suspects)).find((liar) => liar !== undefined) }
  } catch (error) {
    const cause = failed.signal.aborted ? failed.signal.reason : error
    failed.abort(cause)
    await Promise.allSettled(running)
    throw cause
  }
}

async function wholeEntry(
  entry: ArchiveEntry,
  bytes: Uint8Array = Buffer.alloc(0),
): Promise<readonly Uint8Array[]> {
  return [await tarHeader(entry, bytes.length), bytes, padding(bytes.length)]
}

/** What is being written of an entry. Both reject for the same reasons. */
interface Writing {
  /** In bytes, as soon as the next entry can have its place. */
  readonly size: Promise<number>
  /** The same, once all is written and checked. */
  readonly written: Promise<number>
}

interface WriteOptions {
  readonly chooseThread: (layer: LayerContent) => Promise<RunOptions>
  /** The size, as far as it can be known before. */
  readonly promised: Promise<number | undefined> | undefined
}

function writeContent(entry: FileEntry, place: Place, { chooseThread, promised }: WriteOptions): Writing {
  const { workers, signal } = place
  const { layer } = entry
  const write = async () => {
    if (!layer) return pipeContent(entry, place)
    if (!workers) return runHere(layer, place)
    return workers.run(() => prepareJob(layer, place), await chooseThread(layer))
  }
  const written = onceMoreWhenSettled(entry, write, signal)
  if (!promised) return { size: written, written }
  return { size: Promise.race([promised.then((size) => size ?? written), written]), written }
}

async function prepareJob(
  { what, isInflated, digest, openBlob }: LayerContent,
  { file, path, offset, onWritten, signal }: Place,
): Promise<PreparedJob> {
  const { file: blobFile, arrival } = await openBlob(signal)
  return {
    job: { what, blob: blobFile.fd, isInflated },
    place: { what, archive: file.fd, path, position: offset, digest },
    arrival,
    onWritten,
    release: () => closeRead(blobFile),
  }
}

/** Threads are not worth it for what is small. */
async function runHere(layer: LayerContent, { signal, ...place }: Place): Promise<number> {
  const {
    job,
    place: target,
    arrival,
    onWritten = () => {},
    release,
  } = await prepareJob(layer, { ...place, signal })
  const sink = sinkToArchive(target, onWritten)
  return runLayerJob(job, arrival, sink, { signal, onGarbage: countGarbage }).finally(release)
}

async function pipeContent(entry: FileEntry, place: Place): Promise<number> {
  const { file, path, offset, signal } = place
  let end = offset
  const onWritten = (position: number) => {
    place.onWritten?.(position - end)
    end = position
  }
  await pipeToFile(entry.open(signal), file, { position: offset, path, onWritten, signal })
  return end - offset
}

async function exposeLiar({ size, written }: Writing, suspect: Liar): Promise<Liar | undefined> {
  const [promised, actual] = await Promise.all([size, written])
  return promised === actual ? undefined : suspect
}

/** Writes what is around the content; resolves to where the next entry begins. */
async function frameContent(
  entry: ArchiveEntry,
  { file, path, offset }: Pick<Place, 'file' | 'path' | 'offset'>,
  { start, size }: { readonly start: number; readonly size: number },
): Promise<number> {
  await writeAll(file, [await tarHeader(entry, size)], { position: offset, path })
  return writeAll(file, [padding(size)], { position: start + size, path })
}
