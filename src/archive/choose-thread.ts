import { availableParallelism } from 'node:os'
import type { Arrival } from '../store/arrival.ts'
import { closeRead } from '../store/blob-files.ts'
import type { ArchiveEntry, LayerContent } from './archive-format.ts'
import type { RunOptions } from './layer-workers.ts'

/** Decides how a layer among these entries shares the threads with others; to be asked in their order. Throws FILE, and the reason of `signal`. */
export function threadChooser(
  entries: readonly ArchiveEntry[],
  signal: AbortSignal,
): (layer: LayerContent) => Promise<RunOptions> {
  const dominant = dominantLayer(entries)
  /** Once one blob was found to arrive slowly, all are taken for slow. */
  let areSlow = false
  let begun = 0
  return async (layer) => {
    begun += 1
    if (layer === dominant) return { isDominant: true, mayShare: areSlow, signal }
    // For the first ones there are threads in any case, and small ones are soon done.
    const mayHaveToWait = begun > Math.min(availableParallelism(), 2) && layer.blobSize >= worthWatching
    if (mayHaveToWait) areSlow ||= await arrivesSlowly(layer, signal)
    return { mayShare: areSlow, signal }
  }
}

/** The one whose blob is larger than all others together, if it has to be inflated: the rest is done long before it. */
function dominantLayer(entries: readonly ArchiveEntry[]): LayerContent | undefined {
  const layers = entries.flatMap((entry) =>
    'layer' in entry && entry.layer?.isInflated ? [entry.layer] : [],
  )
  const total = layers.reduce((sum, { blobSize }) => sum + blobSize, 0)
  return layers.find(({ blobSize }) => blobSize > total / 2)
}

async function arrivesSlowly({ blobSize, openBlob }: LayerContent, signal: AbortSignal): Promise<boolean> {
  const { file, arrival } = await openBlob(signal)
  await closeRead(file)
  return isSlow(arrival, blobSize, signal)
}

/** In bytes. */
const worthWatching = 2 * 1024 * 1024
/** How long is watched how fast a blob arrives, in milliseconds. */
const watch = 150
/** Compared with what came meanwhile, so much has to be still to come. */
const factor = 5

/** Whether it will go on for much longer than it is watched: then a thread has time for other layers. */
async function isSlow(arrival: Arrival, size: number, signal: AbortSignal): Promise<boolean> {
  const before = arrival.available
  const over = AbortSignal.timeout(watch)
  const stopped = AbortSignal.any([signal, over])
  while (!arrival.isWhole && !over.aborted) {
    await arrival.change(stopped).catch(() => signal.throwIfAborted())
  }
  return size - arrival.available > factor * (arrival.available - before)
}
