import { pipeline } from 'node:stream/promises'
import { DrayError, isDrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortDigest } from '../oci/digest.ts'
import { verifyContent } from '../streams/verify.ts'
import type { Repository } from './repository.ts'

/**
 * A small blob, whole and verified, in memory. `limit` is in bytes and guards against a descriptor that asks for more
 * than such a document ever needs. Wrong bytes are fetched elsewhere, and where there is no such place once more: a cache
 * or proxy on the way may have had a bad moment. Throws INTEGRITY, NOT_FOUND and what the network throws.
 */
export async function readBlob(
  repository: Repository,
  descriptor: Descriptor,
  options: { readonly limit: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const what = `blob ${shortDigest(descriptor.digest)}`
  if (descriptor.size > options.limit) {
    throw new DrayError(
      'INTEGRITY',
      `${what} claims ${descriptor.size} bytes; ${options.limit} is the most for its kind`,
    )
  }
  for (let mistakes = 0; ; ) {
    try {
      const body = await repository.fetchBlob(descriptor, 0, options.signal)
      return await pipeline(body, verifyContent(descriptor, what), collect, { signal: options.signal })
    } catch (error) {
      if (!isDrayError(error, 'INTEGRITY')) throw error
      if (repository.distrust(descriptor)) continue
      mistakes += 1
      if (mistakes > 1) throw error
    }
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
