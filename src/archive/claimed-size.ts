import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Arrival } from '../store/arrival.ts'
import type { OpenBlob } from '../store/blob-store.ts'
import { isGzip, plausibleSize, sizeField } from './expected-size.ts'

export interface ClaimOptions {
  /** For how long a blob may arrive before it counts as slow, in milliseconds. */
  readonly patience?: number
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
  { patience = 500, signal }: ClaimOptions,
): Promise<number | undefined> {
  if (!fetchPiece || arrival.isWhole || size < worthAsking) return undefined
  if (!(await isSlow(arrival, size, { patience, signal })) || !(await isGzip(file))) return undefined
  const body = await fetchPiece({ from: size - sizeField, to: size }, signal)
  const field = body && (await bytesOf(body))
  if (field?.length !== sizeField || arrival.interruptions > 0) return undefined
  return plausibleSize(field.readUInt32LE(), size)
}

/** When it will go on for as long as it has been going. */
async function isSlow(
  arrival: Arrival,
  size: number,
  { patience, signal }: Required<ClaimOptions>,
): Promise<boolean> {
  const before = arrival.available
  await wait(patience, undefined, { signal })
  return !arrival.isWhole && size - arrival.available > arrival.available - before
}

async function bytesOf(body: Readable): Promise<Buffer> {
  return buffer(body).finally(() => body.destroy())
}
