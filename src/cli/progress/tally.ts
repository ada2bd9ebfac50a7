import type { PullEvent } from '../../events.ts'
import type { Digest } from '../../oci/digest.ts'
import { createSpeedometer } from './speedometer.ts'

/** How far a pull has come. Sizes are bytes. */
export interface Tally {
  readonly stage: 'resolving' | 'downloading' | 'archiving'
  /** What is being pulled: the reference, or how many images. */
  readonly title: string
  readonly received: number
  readonly total: number
  /** Of `received`, what an earlier pull had left. */
  readonly kept: number
  readonly layersDone: number
  readonly layersTotal: number
  /** Bytes per second over the last seconds; 0 when nothing arrives. */
  readonly rate: number
  /** Milliseconds left at this rate; undefined when there is no telling. */
  readonly timeLeft: number | undefined
  /** Blobs that are arriving, in the order in which they began. */
  readonly active: readonly ActiveBlob[]
}

export interface ActiveBlob {
  readonly digest: Digest
  readonly size: number
  readonly received: number
}

/** Adds up events; `read` tells the state of things now. */
export interface Counter {
  add(event: PullEvent): void
  read(): Tally
}

export function createCounter(): Counter {
  const speed = createSpeedometer()
  const references = new Set<string>()
  const resolved = new Set<string>()
  const active = new Map<Digest, ActiveBlob>()
  const kept = new Map<Digest, number>()
  const sum = { total: 0, done: 0, layersDone: 0, layersTotal: 0 }

  function add(event: PullEvent): void {
    switch (event.type) {
      case 'resolve':
        references.add(event.reference)
        break
      case 'resolved':
        resolved.add(event.reference)
        sum.total += event.size
        sum.layersTotal += event.layers
        break
      case 'blob-start':
        kept.set(event.digest, event.received)
        active.set(event.digest, event)
        break
      case 'blob-progress':
        speed.add(event.received - (active.get(event.digest)?.received ?? 0))
        // What proved wrong has been thrown away.
        if (event.received < (kept.get(event.digest) ?? 0)) kept.delete(event.digest)
        active.set(event.digest, event)
        break
      case 'blob-done':
        if (event.cached) kept.set(event.digest, event.size)
        sum.done += event.size
        sum.layersDone += 1
        active.delete(event.digest)
        break
    }
  }

  function read(): Tally {
    const blobs = [...active.values()]
    const received = blobs.reduce((bytes, blob) => bytes + blob.received, sum.done)
    const { total, layersDone, layersTotal } = sum
    const rate = speed.read()
    const waiting = resolved.size < references.size || references.size === 0
    return {
      stage: waiting ? 'resolving' : received < total || blobs.length > 0 ? 'downloading' : 'archiving',
      title: references.size > 1 ? `${references.size} images` : ([...references][0] ?? ''),
      received,
      total,
      kept: [...kept.values()].reduce((bytes, each) => bytes + each, 0),
      layersDone,
      layersTotal,
      rate,
      timeLeft: rate > 0 && received < total ? ((total - received) / rate) * 1000 : undefined,
      active: blobs,
    }
  }

  return { add, read }
}
