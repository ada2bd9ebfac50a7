import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { beforeAll, expect, test } from 'vitest'
import { layerMaker } from '../../bench/layers.ts'

let makeLayer: Awaited<ReturnType<typeof layerMaker>>

beforeAll(async () => {
  makeLayer = await layerMaker(4)
})

test('a layer is a gzip of a tar, with the digests that it says', async () => {
  const { pieces, digest, size, diffId, unpackedSize } = makeLayer(7, 3)
  const blob = Buffer.concat(pieces)
  const tar = gunzipSync(blob)
  expect([blob.length, sha256(blob)]).toEqual([size, digest])
  expect([tar.length, sha256(tar)]).toEqual([unpackedSize, diffId])
  expect(unpackedSize).toBe(3 * 1_048_576 + 1024)
  expect(await countEntries(tar)).toBe(3)
})

test('a layer is about a third of what it unpacks to', () => {
  const { size, unpackedSize } = makeLayer(7, 10)
  expect(unpackedSize / size).toBeGreaterThan(2.8)
  expect(unpackedSize / size).toBeLessThan(3.3)
})

test('the same seed makes the same layer, and another one another', () => {
  expect(makeLayer(1, 2).digest).toBe(makeLayer(1, 2).digest)
  expect(makeLayer(2, 2).digest).not.toBe(makeLayer(1, 2).digest)
})

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function countEntries(tar: Buffer): Promise<number> {
  const entries = extract()
  entries.end(tar)
  let count = 0
  for await (const entry of entries) {
    entry.resume()
    count++
  }
  return count
}
