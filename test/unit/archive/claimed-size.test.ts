import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { claimedSize } from '../../../src/archive/claimed-size.ts'
import { type Arrival, createArrival } from '../../../src/store/arrival.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const megabyte = 1024 * 1024
const content = randomBytes(2 * megabyte)
const gzip = gzipSync(content)

interface Setting {
  readonly blob?: Buffer
  /** What is said to be its end. */
  readonly end?: Buffer | undefined
  /** What happens until that comes. */
  readonly meanwhile?: (arrival: Arrival) => void
}

/** What a blob, of which a part has arrived, says of its size. */
async function claim({ meanwhile = () => {}, ...setting }: Setting): Promise<number | undefined> {
  const { blob = gzip } = setting
  const { end = blob.subarray(-4) } = setting
  const path = join(temporaryDirectory(), 'blob')
  await writeFile(path, blob.subarray(0, 1000))
  const file = await open(path)
  const arrival = createArrival()
  arrival.advance(1000)
  const claimed = claimedSize(
    { file, arrival, end: Promise.resolve('end' in setting ? setting.end : end) },
    blob.length,
  )
  meanwhile(arrival)
  return claimed.finally(() => file.close())
}

test('a blob says by its last four bytes how large its content will be', async () => {
  expect(await claim({})).toBe(content.length)
})

test.each<[string, Setting]>([
  ['is no gzip', { blob: content, end: gzip.subarray(-4) }],
  ['does not come by its end', { end: undefined }],
  ['comes with too little of it', { end: Buffer.alloc(3) }],
  ['comes with too much of it', { end: gzip.subarray(-5) }],
  ['says what cannot be', { end: Buffer.alloc(4, 0xff) }],
  ['has been taken back', { meanwhile: (arrival) => arrival.interrupt() }],
])('one that %s says nothing', async (_, setting) => {
  expect(await claim(setting)).toBe(undefined)
})
