import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Arrival } from '../store/arrival.ts'
import type { OpenBlob } from '../store/blob-store.ts'
import { isGzip, plausibleSize, sizeField } from './expected-size.ts'

export interface ClaimOptions {
  /** How long is watched whether the blob arrives slowly, in milliseconds. */
  readonly patience: number
  readonly signal: AbortSignal
}

/** Below this, in bytes, a blob is there before an answer is. */
const worthAsking = 1024 * 1024

/**
 * The size that the content of a gzip blob will have, by what it says at its end, which is asked for ahead where the blob
 * arrives so slowly that this is worth it. Undefined everywhere else. It may lie. May throw anything, which means nothing.
 */
export async function claimedSize(
  { file, arrival, fetchPiece }: OpenBlob,
  size: number,
  { patience, signal }: ClaimOptions,
): Promise<number | undefined> {
  if (!fetchPiece || arrival.isWhole || size < worthAsking) return undefined
  if (!(await isSlow(arrival, size, { patience, signal })) || !(await isGzip(file))) return undefined
  const body = await fetchPiece({ from: size - sizeField, to: size }, signal)
  const field = body && (await bytesOf(body))
  if (field?.length !== sizeField || arrival.interruptions > 0) return undefined
  return plausibleSize(field.readUInt32LE(), size)
}

/** Compared with what came while it was watched, so much has to be still to come for a request to be worth it. */
const factor = 5

/** Resolves when it will go on for much longer than it was watched; to false when it is whole before that shows. */
async function isSlow(arrival: Arrival, size: number, { patience, signal }: ClaimOptions): Promise<boolean> {
  while (!arrival.isWhole) {
    const before = arrival.available
    await wait(patience, undefined, { signal })
    if (size - arrival.available > factor * (arrival.available - before)) return !arrival.isWhole
  }
  return false
}

async function bytesOf(body: Readable): Promise<Buffer> {
  return buffer(body).finally(() => body.destroy())
}
