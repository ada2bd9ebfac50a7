import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { claimedSize } from '../../../src/archive/claimed-size.ts'
import { type Arrival, createArrival } from '../../../src/store/arrival.ts'
import type { OpenBlob } from '../../../src/store/blob-store.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const megabyte = 1024 * 1024
const content = randomBytes(2 * megabyte)
const gzip = gzipSync(content)

interface Setting {
  readonly blob?: Buffer
  /** What is answered when bytes of the blob are asked for. */
  readonly answer?: (blob: Buffer) => Buffer | undefined
  readonly knowsPieces?: boolean
  /** What happens while it is found out whether the blob is slow. */
  readonly meanwhile?: (arrival: Arrival) => void
}

/** Asks for the size of a blob of which a part has arrived; tells also what was asked for. */
async function ask({ blob = gzip, answer, knowsPieces = true, meanwhile = () => {} }: Setting) {
  const path = join(temporaryDirectory(), 'blob')
  await writeFile(path, blob.subarray(0, 1000))
  const file = await open(path)
  const arrival = createArrival()
  arrival.advance(Math.min(1000, blob.length))
  const asked: string[] = []
  const fetchPiece: OpenBlob['fetchPiece'] = async ({ from, to }) => {
    asked.push(`${from - blob.length}..${to - blob.length}`)
    const bytes = answer ? answer(blob) : blob.subarray(from, to)
    return bytes && Readable.from([bytes], { objectMode: false })
  }
  const asking = claimedSize(
    { file, arrival, fetchPiece: knowsPieces ? fetchPiece : undefined },
    blob.length,
    {
      patience: 1,
      signal,
    },
  )
  meanwhile(arrival)
  return { size: await asking.finally(() => file.close()), asked }
}

test('a blob that arrives slowly is asked for its last four bytes', async () => {
  expect(await ask({})).toEqual({ size: content.length, asked: ['-4..0'] })
})

/** The rest of it after the first look. */
function comesFast(arrival: Arrival): void {
  arrival.advance(gzip.length - 10)
  setTimeout(() => arrival.complete(gzip.length), 1)
}

test('so is one of which only the beginning came fast', async () => {
  const meanwhile = (arrival: Arrival) => arrival.advance(gzip.length / 2 + 1000)
  expect(await ask({ meanwhile })).toEqual({ size: content.length, asked: ['-4..0'] })
})

test.each<[string, Setting]>([
  ['is whole meanwhile', { meanwhile: (arrival) => arrival.complete(gzip.length) }],
  ['comes fast', { meanwhile: comesFast }],
  ['is small', { blob: gzipSync(randomBytes(megabyte / 2)) }],
  ['is no gzip', { blob: content }],
  ['comes from where there are no pieces', { knowsPieces: false }],
])('not one that %s', async (_, setting) => {
  expect(await ask(setting)).toEqual({ size: undefined, asked: [] })
})

test.each<[string, Setting]>([
  ['nothing', { answer: () => undefined }],
  ['too little', { answer: () => Buffer.alloc(3) }],
  ['too much', { answer: (blob) => blob }],
  ['what cannot be', { answer: () => Buffer.alloc(4, 0xff) }],
  [
    'something, but the blob has been taken back',
    { meanwhile: (arrival) => arrival.interrupt(), answer: (blob) => blob.subarray(-4) },
  ],
])('an answer of %s is none', async (_, setting) => {
  expect(await ask(setting)).toEqual({ size: undefined, asked: ['-4..0'] })
})
