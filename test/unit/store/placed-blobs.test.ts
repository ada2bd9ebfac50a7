import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { BlobSource } from '../../../src/store/blob-store.ts'
import { createPlacedBlobs } from '../../../src/store/placed-blobs.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const blob = Buffer.from(Array.from({ length: 400_000 }, (_, i) => `${i},`).join(''))
const wrong = Buffer.alloc(blob.length, 'wrong')
const place = 1024
const trailingZeros = Buffer.concat([blob, Buffer.alloc(3)])

const descriptorOf = (bytes: Buffer): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.length,
})

/** A file in which an earlier attempt left `bytes` at the place of the blob, between what others have written. */
async function filePlaces(wanted: Buffer, bytes: Buffer = Buffer.alloc(0)) {
  const path = join(temporaryDirectory(), 'archive')
  const before = Buffer.alloc(place, 'before')
  const after = Buffer.from('after')
  const room = Buffer.concat([bytes, Buffer.alloc(wanted.length - bytes.length)])
  await writeFile(path, Buffer.concat([before, room, after]))
  const file = await open(path, 'r+')
  onTestFinished(() => file.close())
  const descriptor = descriptorOf(wanted)
  const arrived: number[] = []
  const blobs = createPlacedBlobs({
    file,
    path,
    places: new Map([[descriptor.digest, place]]),
    atHand: new Map([[digestOf('config'), 6]]),
    left: before.length + room.length + after.length,
    onArrived: () => arrived.push(1),
  })
  const expected = Buffer.concat([before, wanted, after])
  return { blobs, descriptor, expected, arrived, content: () => readFile(path) }
}

/** Gives one body after the other, from wherever it is asked to; remembers where that was. */
function sourceOf(...bodies: readonly Buffer[]) {
  const asked: number[] = []
  const source: BlobSource = async (from) => {
    const body = bodies[Math.min(asked.length, bodies.length - 1)] ?? Buffer.alloc(0)
    asked.push(from)
    return Readable.from([Buffer.from(body.subarray(from))], { objectMode: false })
  }
  return { source, asked }
}

describe('a blob is written to its place', () => {
  test.each<[string, Buffer, Buffer, readonly number[]]>([
    ['from the start where nothing is', blob, Buffer.alloc(0), [0]],
    ['from where an earlier attempt broke off', blob, blob.subarray(0, 1_500_000), [1_500_000]],
    ['without a request when it is there', blob, blob, []],
    ['without a request when it is there and ends in zeros', trailingZeros, trailingZeros, []],
    [
      'from its last byte but zeros, when it is there but for some',
      trailingZeros,
      blob.subarray(0, -10),
      [blob.length - 10],
    ],
    ['from the start when what is there is wrong', blob, wrong.subarray(0, 1000), [1000, 0]],
    ['from the start when all that is there is wrong', blob, wrong, [0]],
  ])('%s', async (_, wanted, left, requests) => {
    const { blobs, descriptor, expected, content } = await filePlaces(wanted, left)
    const { source, asked } = sourceOf(wanted)
    await blobs.write(descriptor, source, { signal })
    expect(asked).toEqual(requests)
    expect((await content()).equals(expected)).toBe(true)
  })
})

test('it is told how much is there, and that there is something at all', async () => {
  const { blobs, descriptor, arrived } = await filePlaces(blob, blob.subarray(0, 1000))
  const progress: number[] = []
  await blobs.write(descriptor, sourceOf(blob).source, { signal, onProgress: (size) => progress.push(size) })
  expect(progress[0]).toBe(1000)
  expect(progress.at(-1)).toBe(blob.length)
  expect(arrived.length).toBeGreaterThan(0)
})

test('what was written is freed', async () => {
  const { blobs, descriptor, content, expected } = await filePlaces(blob)
  const chunk = Buffer.from(blob)
  await blobs.write(descriptor, async () => Readable.from([chunk]), { signal })
  expect((await content()).equals(expected)).toBe(true)
  expect(chunk).toHaveLength(0)
})

test('nothing counts as arrived where nothing has', async () => {
  const { blobs, descriptor, arrived } = await filePlaces(blob)
  const source = () => Promise.reject(new Error('not reached'))
  await expect(blobs.write(descriptor, source, { signal })).rejects.toThrow('not reached')
  expect(arrived).toEqual([])
})

test('bytes that are wrong twice are refused, and of them nothing is used when it is asked for again', async () => {
  const { blobs, descriptor, expected, content } = await filePlaces(blob, blob.subarray(0, 1000))
  const bad = sourceOf(wrong)
  await expect(blobs.write(descriptor, bad.source, { signal })).rejects.toMatchObject({ code: 'INTEGRITY' })
  expect(bad.asked).toEqual([1000, 0])
  const good = sourceOf(blob)
  await blobs.write(descriptor, good.source, { signal })
  expect(good.asked).toEqual([0])
  expect((await content()).equals(expected)).toBe(true)
})

test('a blob that is at hand is there, but not in another size', async () => {
  const { blobs, descriptor } = await filePlaces(blob)
  const config = { ...descriptor, digest: digestOf('config') }
  expect(await blobs.has({ ...config, size: 6 })).toBe(true)
  expect(await blobs.has({ ...config, size: 7 })).toBe(false)
  const writing = blobs.write({ ...config, size: 7 }, sourceOf(blob).source, { signal })
  await expect(writing).rejects.toMatchObject({ code: 'INTEGRITY' })
})
