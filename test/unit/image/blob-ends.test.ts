import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { createBlobEnds } from '../../../src/image/blob-ends.ts'
import type { RemoteBlob } from '../../../src/image/split-blob.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { Repository } from '../../../src/registry/repository.ts'

const { signal } = new AbortController()
const megabyte = 1024 * 1024
const large = 20 * megabyte

type Answer = (signal: AbortSignal) => Readable | undefined | Promise<never>

/** A blob of a repository that answers in this way when it is asked for a piece; tells what it was asked for. */
function setUp(answer: Answer, size = large) {
  const asked: string[] = []
  const repository: Repository = {
    fetchManifest: () => expect.fail(),
    fetchBlob: () => expect.fail(),
    distrust: () => expect.fail(),
    async fetchPiece({ digest }, { from, to }, stop) {
      asked.push(`${from}..${to} of ${digest === blob.descriptor.digest ? 'one' : 'another'}`)
      return answer(stop)
    },
  }
  const blobOf = (name: string): RemoteBlob => ({
    descriptor: { mediaType: 'x', digest: digestOf(name), size },
    repository,
  })
  const blob = blobOf('one')
  return { blob, another: blobOf('another'), asked, ends: createBlobEnds() }
}

const bytes = (text: string) => Readable.from([Buffer.from(text)], { objectMode: false })

test('the end of a large blob comes before the rest, asked for after it', async () => {
  const { blob, asked, ends } = setUp(() => bytes('size'))
  const asking = ends.ask(blob, signal)
  await new Promise(setImmediate)
  expect(asked).toEqual([])
  ends.of(blob).requested()
  await asking
  expect(asked).toEqual([`${large - 4}..${large} of one`])
  expect(String(await ends.of(blob).bytes)).toBe('size')
})

test.each<[string, (end: ReturnType<ReturnType<typeof createBlobEnds>['of']>) => void]>([
  ['nearly there', (end) => end.received(large - 8 * megabyte + 1)],
  ['over', (end) => end.over()],
])('one that is %s is not asked for its end', async (_, act) => {
  const { blob, asked, ends } = setUp(() => bytes('size'))
  const end = ends.of(blob)
  end.requested()
  act(end)
  await ends.ask(blob, signal)
  end.over()
  expect(await end.bytes).toBe(undefined)
  expect(asked).toEqual([])
})

test.each<[string, Answer]>([
  ['refused', () => undefined],
  ['an error', () => Promise.reject(new Error('no way'))],
  ['cut off', () => new Readable({ read: (): void => void 0, construct: (done) => done(new Error('cut')) })],
])('where the answer is %s, no one asks any more', async (_, answer) => {
  const { blob, another, asked, ends } = setUp(answer)
  for (const each of [blob, another]) {
    ends.of(each).requested()
    await ends.ask(each, signal)
  }
  expect(await ends.of(blob).bytes).toBe(undefined)
  expect(asked).toEqual([`${large - 4}..${large} of one`])
})

test('a small one is not waited for, not even until it is asked for', async () => {
  const { blob, asked, ends } = setUp(() => bytes('size'), 8 * megabyte - 1)
  const asking = ends.ask(blob, signal).then(() => 'over')
  const soon = new Promise((resolve) => setImmediate(resolve, 'waiting'))
  expect(await Promise.race([asking, soon])).toBe('over')
  expect(asked).toEqual([])
})

test('nobody waits for an answer that does not come', async () => {
  const silent: Answer = (stop) =>
    new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason)))
  const { blob, ends } = setUp(silent)
  ends.of(blob).requested()
  await ends.ask(blob, signal)
  expect(await ends.of(blob).bytes).toBe(undefined)
})

test('nobody waits for the end of a blob that nobody fetches', async () => {
  const { blob, asked, ends } = setUp(() => bytes('size'))
  await ends.ask(blob, signal)
  expect(asked).toEqual([])
})
