import { closeRead } from '../store/blob-files.ts'
import type { ArchiveEntry, FileEntry, LayerContent } from './archive-format.ts'
import { claimedSize } from './claimed-size.ts'
import { expectedSize } from './expected-size.ts'

/**
 * What the blob of a layer says of the size of its content, as early as it does. Resolves to undefined when it will be
 * known only when the content is written. Undefined for what is no layer.
 */
export type PromisedSizes = (entry: ArchiveEntry) => Promise<number | undefined> | undefined

/** So many layers are looked at before their turn: as many as arrive at the same time, as a rule. */
const ahead = 4

/** Looks for the sizes of the layers among these entries, in their order. */
export function promiseSizes(entries: readonly ArchiveEntry[], signal: AbortSignal): PromisedSizes {
  const layers = entries.filter((entry) => 'layer' in entry && entry.layer !== undefined)
  const sizes = new Map<ArchiveEntry, Promise<number | undefined>>()
  const ask = async (entry: ArchiveEntry): Promise<number | undefined> => {
    if (!('layer' in entry) || !entry.layer) return undefined
    if (entry.size !== undefined) return entry.size
    const known = new AbortController()
    const stopped = AbortSignal.any([signal, known.signal])
    const inAdvance = askInAdvance(entry.layer, stopped).catch(() => undefined)
    const atRest = lookAtRest(entry, entry.layer, signal).finally(() => known.abort())
    return (await Promise.race([inAdvance, atRest.then(() => undefined)])) ?? atRest
  }
  return (entry) => {
    const turn = layers.indexOf(entry)
    if (turn === -1) return undefined
    for (const each of layers.slice(turn, turn + ahead)) {
      if (sizes.has(each)) continue
      const size = ask(each)
      // Heard by whoever waits for it, when it has its turn.
      size.catch(() => {})
      sizes.set(each, size)
    }
    return sizes.get(entry)
  }
}

async function askInAdvance(layer: LayerContent, signal: AbortSignal): Promise<number | undefined> {
  const blob = await layer.openBlob(signal)
  return claimedSize(blob, layer.blobSize).finally(() => closeRead(blob.file))
}

/** Undefined also where a blob has been taken back before. */
async function lookAtRest(
  entry: FileEntry,
  layer: LayerContent,
  signal: AbortSignal,
): Promise<number | undefined> {
  await entry.settled?.(signal)
  const { file, arrival } = await layer.openBlob(signal)
  try {
    return arrival.interruptions === 0 ? await expectedSize(file, arrival.available) : undefined
  } finally {
    await closeRead(file)
  }
}
