import type { Readable } from 'node:stream'

/**
 * Reads a body into memory, at most `limit` bytes of it; what is beyond is not waited for, and `whole` is false then.
 * Rejects with what ended the body early.
 */
export async function readBody(
  body: Readable,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break // which destroys the body
  }
  return { bytes: Buffer.concat(chunks).subarray(0, limit), whole: length <= limit }
}

/** Lets go of a body that nobody wants: a short one is read to its end, so that its connection can be used again. */
export function discardBody(body: Readable): void {
  readBody(body, 64 * 1024).catch(() => {})
}
