import { execFileSync } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { DrayError, isDrayError } from '../../../src/errors.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { type DigestAlgorithm, digestOf } from '../../../src/oci/digest.ts'
import type { BlobSource, BlobStore } from '../../../src/store/blob-store.ts'
import { openDirectoryStore } from '../../../src/store/directory-store.ts'
import { tooLong } from '../../../src/streams/verify.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i},`).join(''))
const { signal } = new AbortController()

function descriptorOf(bytes: Buffer, algorithm: DigestAlgorithm = 'sha256'): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes, algorithm), size: bytes.length }
}
const descriptor = descriptorOf(content)

/** Serves what it is given, one after the other, from wherever it is asked to; remembers where that was. */
function sourceOf(...bodies: readonly (Buffer | Error)[]) {
  const asked: number[] = []
  const source: BlobSource = async (from) => {
    const body = bodies[Math.min(asked.length, bodies.length - 1)] ?? Buffer.alloc(0)
    asked.push(from)
    if (body instanceof Error) throw body
    return inChunks(body.subarray(from))
  }
  return { source, asked }
}

function inChunks(bytes: Buffer, size = 65_536): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
  )
  return Readable.from(chunks, { objectMode: false })
}

async function openStore() {
  const directory = temporaryDirectory()
  const store = await openDirectoryStore(directory)
  const path = join(directory, 'blobs', ...descriptor.digest.split(':'))
  mkdirSync(dirname(path), { recursive: true })
  return { directory, store, path, partial: `${path}.partial` }
}

/** Resolves when the first thousand bytes are there; `done` when all are. */
async function writeBeginning(store: BlobStore, body: PassThrough): Promise<{ done: Promise<void> }> {
  body.write(content.subarray(0, 1000))
  return new Promise((resolve) => {
    const onProgress = (received: number) => received === 1000 && resolve({ done })
    const done = store.write(descriptor, async () => body, { signal, onProgress })
  })
}

function linkTo(path: string, bytes: Buffer): void {
  writeFileSync(`${path}.elsewhere`, bytes)
  symlinkSync(`${path}.elsewhere`, path)
}

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

describe('writing', () => {
  test('a blob is there under its digest, and nothing else is', async () => {
    const { store, path } = await openStore()
    const { source, asked } = sourceOf(content)
    const progress: number[] = []
    await store.write(descriptor, source, { signal, onProgress: (received) => progress.push(received) })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(readdirSync(dirname(path))).toEqual([descriptor.digest.slice(7)])
    expect(asked).toEqual([0])
    expect(progress[0]).toBe(0)
    expect(progress.at(-1)).toBe(content.length)
  })

  test.skipIf(process.platform === 'win32')('nobody else may read it', async () => {
    const directory = join(temporaryDirectory(), 'cache')
    const store = await openDirectoryStore(directory)
    await store.write(descriptor, sourceOf(content).source, { signal })
    expect(lstatSync(directory).mode & 0o777).toBe(0o700)
    expect(lstatSync(join(directory, 'blobs', ...descriptor.digest.split(':'))).mode & 0o777).toBe(0o600)
  })

  test('a sha512 blob is kept beside the others', async () => {
    const { directory, store } = await openStore()
    const strong = descriptorOf(content, 'sha512')
    await store.write(strong, sourceOf(content).source, { signal })
    expect(existsSync(join(directory, 'blobs', 'sha512', strong.digest.slice(7)))).toBe(true)
  })

  test('an empty blob costs no request', async () => {
    const { store } = await openStore()
    const { source, asked } = sourceOf()
    await store.write(descriptorOf(Buffer.alloc(0)), source, { signal })
    expect(asked).toEqual([])
    expect(await buffer(store.follow(digestOf(''), signal))).toHaveLength(0)
  })

  test.each<[string, Buffer, number[]]>([
    ['goes on from what an earlier attempt left', content.subarray(0, 1000), [1000]],
    ['asks for nothing when all of it was there', content, []],
    ['starts over when the earlier bytes were wrong', flipped(content.subarray(0, 1000), 5), [1000, 0]],
    ['starts over when all bytes were there but wrong', flipped(content, 5), [0]],
    ['starts over when more was there than there is', Buffer.concat([content, content]), [0]],
  ])('%s', async (_, left, requests) => {
    const { store, path, partial } = await openStore()
    writeFileSync(partial, left)
    const { source, asked } = sourceOf(content)
    const progress: number[] = []
    await store.write(descriptor, source, { signal, onProgress: (received) => progress.push(received) })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(asked).toEqual(requests)
    expect(progress[0]).toBe(left.length > content.length ? 0 : left.length)
    expect(existsSync(partial)).toBe(false)
  })

  test('a blob that was wrong once is fetched once more', async () => {
    const { store, path } = await openStore()
    const { source, asked } = sourceOf(flipped(content, 7), content)
    await store.write(descriptor, source, { signal })
    expect(asked).toEqual([0, 0])
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  const wrong = flipped(content, 7)
  test.each<[string, Buffer, string]>([
    ['has another digest', wrong, `its digest is ${digestOf(wrong)}, not ${descriptor.digest}`],
    [
      'is too short',
      content.subarray(1),
      `should have ${content.length} bytes, but there are ${content.length - 1}`,
    ],
    [
      'is too long',
      Buffer.concat([content, content]),
      `is longer than the ${content.length} bytes that its manifest promises`,
    ],
  ])('a blob that %s twice is an integrity error and leaves nothing', async (_, bytes, message) => {
    const { store, path } = await openStore()
    const { source, asked } = sourceOf(bytes)
    await expect(store.write(descriptor, source, { signal })).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining(message),
    })
    expect(asked).toEqual([0, 0])
    expect(readdirSync(dirname(path))).toEqual([])
  })

  test('an old beginning with which the bytes are too many is thrown away, and the blob fetched afresh', async () => {
    const { store, path, partial } = await openStore()
    writeFileSync(partial, content.subarray(0, 1000))
    const { source, asked } = sourceOf(content)
    const counting: BlobSource = async (from, ...rest) => {
      const body = await source(from, ...rest)
      return from === 0 ? body : body.once('data', () => body.destroy(tooLong('blob x', content.length)))
    }
    await store.write(descriptor, counting, { signal })
    expect(asked).toEqual([1000, 0])
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  test('a source that counts too many bytes twice is an integrity error, and nothing is left', async () => {
    const { store, path } = await openStore()
    const { source, asked } = sourceOf(content)
    const counting: BlobSource = async (...request) => {
      const body = await source(...request)
      return body.once('data', () => body.destroy(tooLong('blob x', content.length)))
    }
    const error = { code: 'INTEGRITY', message: expect.stringContaining('blob x is longer') }
    await expect(store.write(descriptor, counting, { signal })).rejects.toMatchObject(error)
    expect(asked).toEqual([0, 0])
    expect(readdirSync(dirname(path))).toEqual([])
  })

  test('a source that has something else under that name costs nothing of what is there', async () => {
    const { store, partial } = await openStore()
    writeFileSync(partial, content.subarray(0, 1000))
    const { source, asked } = sourceOf(new DrayError('INTEGRITY', 'it has 7 bytes there'))
    await expect(store.write(descriptor, source, { signal })).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(asked).toEqual([1000])
    expect(readFileSync(partial)).toHaveLength(1000)
  })

  test('a body that never ends is not read to its end', async () => {
    const { store } = await openStore()
    let sent = 0
    const source: BlobSource = async () =>
      new Readable({
        read() {
          sent += content.length
          this.push(Buffer.from(content))
        },
      })
    await expect(store.write(descriptor, source, { signal })).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(sent).toBeLessThan(20 * content.length)
  })

  test('what arrived before the network failed is kept for the next attempt', async () => {
    const { store, path, partial } = await openStore()
    const failure = new DrayError('NETWORK', 'the connection was lost')
    const broken: BlobSource = async () =>
      Readable.from(
        (function* () {
          yield content.subarray(0, 700_000)
          throw failure
        })(),
      )
    await expect(store.write(descriptor, broken, { signal })).rejects.toBe(failure)
    const kept = readFileSync(partial).length
    const { source, asked } = sourceOf(content)
    await store.write(descriptor, source, { signal })
    expect(asked).toEqual([kept])
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  test('an abort ends a body that has gone silent, and keeps what arrived', async () => {
    const { store, partial } = await openStore()
    const stop = new AbortController()
    const body = new PassThrough()
    body.write(content.subarray(0, 1000))
    const onProgress = (received: number) => received > 0 && stop.abort()
    const result = store.write(descriptor, async () => body, { signal: stop.signal, onProgress })
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    expect(body.destroyed).toBe(true)
    expect(readFileSync(partial)).toHaveLength(1000)
  })

  test('two stores may write the same blob to the same directory', async () => {
    const { directory, store, path } = await openStore()
    const other = await openDirectoryStore(directory)
    await Promise.all(
      [store, other].map((each) =>
        each.write(descriptor, async (from) => inChunks(content.subarray(from), 9_000), { signal }),
      ),
    )
    expect(readFileSync(path).equals(content)).toBe(true)
    for (const each of [store, other])
      expect((await buffer(each.follow(descriptor.digest, signal))).equals(content)).toBe(true)
  })

  test('a partial file that someone replaced does not take the place of the blob', async () => {
    const { store, path } = await openStore()
    const source: BlobSource = async () => {
      const [name = ''] = readdirSync(dirname(path))
      rmSync(join(dirname(path), name))
      writeFileSync(join(dirname(path), name), 'something else')
      return inChunks(content)
    }
    await expect(store.write(descriptor, source, { signal })).rejects.toMatchObject({ code: 'FILE' })
    expect(existsSync(path)).toBe(false)
  })

  test.skipIf(process.platform === 'win32')(
    'a symbolic link in the place of a blob is not followed',
    async () => {
      const { directory, store, path, partial } = await openStore()
      const victim = join(directory, 'victim')
      writeFileSync(victim, 'precious')
      symlinkSync(victim, partial)
      symlinkSync(victim, path)
      expect(await store.has(descriptor)).toBe(false)
      await store.write(descriptor, sourceOf(content).source, { signal })
      expect(readFileSync(victim, 'utf8')).toBe('precious')
      expect(lstatSync(path).isFile()).toBe(true)
    },
  )
})

test('a directory that cannot be made is a file error that names it', async () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, '')
  await expect(openDirectoryStore(join(file, 'cache'))).rejects.toMatchObject({
    code: 'FILE',
    message: expect.stringContaining(join(file, 'cache')),
  })
})

describe('looking for a blob', () => {
  test('one that another process left is there when its bytes are right', async () => {
    const { store, path } = await openStore()
    expect(await store.has(descriptor)).toBe(false)
    writeFileSync(path, content)
    expect(await store.has(descriptor)).toBe(true)
  })

  test('one with wrong bytes is not there, and the right one takes its place', async () => {
    const { store, path } = await openStore()
    writeFileSync(path, flipped(content, 5))
    expect(await store.has(descriptor)).toBe(false)
    await store.write(descriptor, sourceOf(content).source, { signal })
    expect(readFileSync(path).equals(content)).toBe(true)
  })

  test('the look at its bytes ends with the signal', async () => {
    const { store, path } = await openStore()
    writeFileSync(path, content)
    await expect(store.has(descriptor, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(await store.has(descriptor)).toBe(true)
  })

  test('one after another: the first is known before the others are read, and at once what is not there', async () => {
    const { store, directory } = await openStore()
    const blobs = [
      Buffer.concat(Array(10).fill(content)),
      content.subarray(0, 2000),
      content.subarray(0, 1000),
    ]
    const known: number[] = []
    const looks = blobs.map(async (bytes) => {
      writeFileSync(join(directory, 'blobs', ...digestOf(bytes).split(':')), bytes)
      expect(await store.has(descriptorOf(bytes))).toBe(true)
      known.push(bytes.length)
    })
    const missing = store.has(descriptorOf(Buffer.from('missing'))).then(() => known.push(0))
    await Promise.all([...looks, missing])
    expect(known).toEqual([0, ...blobs.map(({ length }) => length)])
  })

  test('one that fails does not keep others from being looked for', async () => {
    const { store, path } = await openStore()
    writeFileSync(path, content)
    const failing = store.has(descriptor, AbortSignal.abort(new Error('enough')))
    const other = descriptorOf(content.subarray(0, 10))
    await Promise.all([expect(failing).rejects.toThrow('enough'), store.has(other)])
    expect(await store.has(other)).toBe(false)
  })

  test.skipIf(process.platform === 'win32').each<[string, (path: string) => void]>([
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a link to the right bytes', (path) => linkTo(path, content)],
    ['a directory', (path) => mkdirSync(path)],
  ])('%s in its place is none', async (_, plant) => {
    const { store, path } = await openStore()
    plant(path)
    expect(await store.has(descriptor)).toBe(false)
  })

  test('one of another size than the descriptor says is not the one that is meant', async () => {
    const { store, path } = await openStore()
    writeFileSync(path, content)
    expect(await store.has({ ...descriptor, size: content.length + 1 })).toBe(false)
    expect(existsSync(path)).toBe(true)
  })
})

describe('following a blob', () => {
  test('stays with one that another process brought in place while it was being written here', async () => {
    const { store, path } = await openStore()
    const body = new PassThrough()
    const writing = await writeBeginning(store, body)
    writeFileSync(path, content)
    const reading = buffer(store.follow(descriptor.digest, signal))
    expect(await store.has(descriptor)).toBe(true)
    body.write(content.subarray(1000, 2000))
    await new Promise(setImmediate)
    expect((await reading).equals(content)).toBe(true)
    body.end(content.subarray(2000))
    await writing.done
    expect((await buffer(store.follow(descriptor.digest, signal))).equals(content)).toBe(true)
  })

  test('stays with that one even when the own download fails', async () => {
    const { store, path } = await openStore()
    const body = new PassThrough()
    const writing = await writeBeginning(store, body)
    writeFileSync(path, content)
    expect(await store.has(descriptor)).toBe(true)
    const reader = store.follow(descriptor.digest, signal)
    await once(reader, 'readable')
    body.destroy(new DrayError('NETWORK', 'the connection was lost'))
    await expect(writing.done).rejects.toMatchObject({ code: 'NETWORK' })
    expect((await buffer(reader)).equals(content)).toBe(true)
    await store.settled(descriptor.digest, signal)
    expect((await buffer(store.follow(descriptor.digest, signal))).equals(content)).toBe(true)
  })

  test('reads one that is at rest, without anyone asking for it first', async () => {
    const { store, path } = await openStore()
    writeFileSync(path, content)
    expect((await buffer(store.follow(descriptor.digest, signal))).equals(content)).toBe(true)
  })

  test('reads one that no one has begun to write yet, by several readers', async () => {
    const { store } = await openStore()
    const readers = [1, 2, 3].map(() => buffer(store.follow(descriptor.digest, signal)))
    await store.write(descriptor, sourceOf(content).source, { signal })
    for (const bytes of await Promise.all(readers)) expect(bytes.equals(content)).toBe(true)
  })

  test('sees bytes while the rest is still on its way', async () => {
    const { store } = await openStore()
    const body = new PassThrough()
    const writing = store.write(descriptor, async () => body, { signal })
    body.write(content.subarray(0, 1_000_000))
    const reader = store.follow(descriptor.digest, signal)
    await once(reader, 'readable')
    expect(reader.read(1000)).toEqual(content.subarray(0, 1000))
    reader.destroy()
    body.end(content.subarray(1_000_000))
    await writing
  })

  test('never sees more than has been written', async () => {
    const { store } = await openStore()
    const body = new PassThrough()
    const writing = store.write(descriptor, async () => body, { signal })
    const reading = buffer(store.follow(descriptor.digest, signal))
    for (let at = 0; at < content.length; at += 50_000) {
      body.write(content.subarray(at, at + 50_000))
      await new Promise(setImmediate)
    }
    body.end()
    await writing
    expect((await reading).equals(content)).toBe(true)
  })

  test('goes on after the blob has got its name', async () => {
    const { store } = await openStore()
    const reader = store.follow(descriptor.digest, signal)
    await store.write(descriptor, sourceOf(content).source, { signal })
    expect((await buffer(reader)).equals(content)).toBe(true)
  })

  test('fails when bytes that were read are taken back; settled tells when to read again', async () => {
    const { store } = await openStore()
    const first = new PassThrough()
    const second = new PassThrough()
    const bodies = [first, second]
    const writing = store.write(descriptor, async () => bodies.shift() ?? second, { signal })
    const reader = store.follow(descriptor.digest, signal)
    first.write(flipped(content, 3).subarray(0, 1_000_000))
    await once(reader, 'readable')
    first.end(content.subarray(1_000_000))
    await expect(buffer(reader)).rejects.toMatchObject({ code: 'INTEGRITY' })
    const settled = store.settled(descriptor.digest, signal)
    second.end(Buffer.from(content))
    await Promise.all([writing, settled])
    expect((await buffer(store.follow(descriptor.digest, signal))).equals(content)).toBe(true)
  })

  test('fails the same way for a reader that comes while they are taken back: no file is missed', async () => {
    const { store } = await openStore()
    const reads: Promise<unknown>[] = []
    let isWriting = true
    const source = sourceOf(...Array(9).fill(flipped(content, 3)), content).source
    const writing = (async () => {
      for (let i = 0; i < 5; i++) await store.write(descriptor, source, { signal }).catch(() => {})
      isWriting = false
    })()
    while (isWriting) {
      reads.push(buffer(store.follow(descriptor.digest, signal)).catch((error: unknown) => error))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writing
    const problems = (await Promise.all(reads)).filter((outcome) => !Buffer.isBuffer(outcome))
    expect(problems.filter((problem) => !isDrayError(problem, 'INTEGRITY'))).toEqual([])
  })

  test('fails when the writer gives up; a new reader waits for the next one', async () => {
    const { store } = await openStore()
    const body = new PassThrough()
    const writing = store.write(descriptor, async () => body, { signal })
    const reader = store.follow(descriptor.digest, signal)
    body.write(content.subarray(0, 1_000_000))
    await once(reader, 'readable')
    body.destroy(new DrayError('NETWORK', 'the connection was lost'))
    await expect(writing).rejects.toMatchObject({ code: 'NETWORK' })
    await expect(buffer(reader)).rejects.toMatchObject({ code: 'INTEGRITY' })

    const next = buffer(store.follow(descriptor.digest, signal))
    await store.write(descriptor, sourceOf(content).source, { signal })
    expect((await next).equals(content)).toBe(true)
  })

  test.each<[string, (store: BlobStore, signal: AbortSignal) => Promise<unknown>]>([
    ['reading', (store, stop) => buffer(store.follow(descriptor.digest, stop))],
    ['waiting', (store, stop) => store.settled(descriptor.digest, stop)],
  ])('%s ends with the signal, and leaves no listener on it', async (_, act) => {
    const { store } = await openStore()
    const stop = new AbortController()
    const result = act(store, stop.signal)
    setImmediate(() => stop.abort())
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test('a reader that is slow does not hold up the writer', async () => {
    const { store } = await openStore()
    const reader = store.follow(descriptor.digest, signal)
    await store.write(descriptor, sourceOf(content).source, { signal })
    expect(reader.readableLength).toBeLessThan(content.length)
    reader.destroy()
  })
})
