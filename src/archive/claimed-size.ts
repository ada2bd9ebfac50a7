import type { OpenBlob } from '../store/blob-store.ts'
import { isGzip, plausibleSize, sizeField } from './expected-size.ts'

/**
 * The size that the content of a gzip blob will have, by what it says at its end, where that comes before the rest. It may
 * lie. Undefined everywhere else. Throws FILE.
 */
export async function claimedSize(
  { file, arrival, end }: OpenBlob,
  size: number,
): Promise<number | undefined> {
  const field = await end
  if (field?.length !== sizeField || arrival.interruptions > 0 || !(await isGzip(file))) return undefined
  return plausibleSize(Buffer.from(field).readUInt32LE(), size)
}
