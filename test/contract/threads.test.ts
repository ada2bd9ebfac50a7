import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { dockerArchive } from '../../src/archive/docker-archive.ts'
import { openFileOutput } from '../../src/archive/file-output.ts'
import { createLayerWorkers } from '../../src/archive/layer-workers.ts'
import { ociArchive } from '../../src/archive/oci-archive.ts'
import { placeEntries } from '../../src/archive/place-entries.ts'
import { DrayError } from '../../src/errors.ts'
import type { Image } from '../../src/image/image.ts'
import { digestOf, shortDigest } from '../../src/oci/digest.ts'
import { createArrival } from '../../src/store/arrival.ts'
import type { BlobStore } from '../../src/store/blob-store.ts'
import { openDirectoryStore } from '../../src/store/directory-store.ts'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { makeImage } from '../support/images.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const { signal } = new AbortController()
const workerFile = new URL('../../dist/layer-worker.cjs', import.meta.url)
const formats = { docker: dockerArchive, oci: ociArchive }

const noise = (mebibytes: number) => randomBytes(mebibytes * 1024 * 1024)
const zeros = Buffer.alloc(2 * 1024 * 1024)

/** Says at its end that it holds only what its last member does. */
const inTwoMembers = (bytes: Buffer) =>
  Buffer.concat([gzipSync(bytes.subarray(0, zeros.length)), gzipSync(bytes.subarray(zeros.length))])

/** Layers of all kinds, each large enough for a thread. */
const recipes: readonly [content: Buffer, pack: (bytes: Buffer) => Buffer][] = [
  [noise(3), gzipSync],
  [Buffer.concat([zeros, noise(2)]), inTwoMembers],
  [noise(2), (bytes) => bytes],
  [noise(1), gzipSync],
  [Buffer.concat([zeros, noise(1)]), inTwoMembers],
  [noise(2), gzipSync],
  [Buffer.from('small'), gzipSync],
]

function imageOf(chosen: typeof recipes) {
  const packs = chosen.map(([, pack]) => pack)
  return makeImage({
    name: 'docker.io/library/app:1',
    layers: chosen.map(([content]) => content),
    compress: (bytes) => (packs.shift() ?? expect.fail())(bytes),
  })
}

/** The archive's bytes. Threads are those of a worker file; there is none in the source tree. */
async function archive(
  image: Image,
  store: BlobStore,
  format: keyof typeof formats,
  file?: URL,
): Promise<Buffer> {
  const path = join(temporaryDirectory(), 'app.tar')
  const output = await openFileOutput(path, { workerFile: file })
  try {
    await output.write(formats[format].entries([image], store), signal)
    await output.commit(signal)
  } finally {
    await output.abort()
  }
  return readFileSync(path)
}

async function storeWith({ image, blobs }: ReturnType<typeof makeImage>): Promise<BlobStore> {
  const store = await openDirectoryStore(join(temporaryDirectory(), 'blobs'))
  for (const [i, { descriptor }] of image.layers.entries()) {
    const bytes = Buffer.from(blobs[i] ?? expect.fail())
    await store.write(descriptor, async () => Readable.from([bytes]), { signal })
  }
  return store
}

describe.each([
  ['docker', 'layers of all kinds', () => recipes],
  ['oci', 'layers of all kinds', () => recipes],
  ['docker', 'a dominant layer', () => dominant],
] as const)('in %s format, threads write the bytes that one writes, of %s', (format, _, chosen) => {
  test('of blobs that are there', async () => {
    const made = imageOf(chosen())
    const store = await storeWith(made)
    const expected = await archive(made.image, store, format)
    expect((await archive(made.image, store, format, workerFile)).equals(expected)).toBe(true)
  })

  test('of blobs that arrive, and are taken back', async () => {
    const made = imageOf(chosen())
    const expected = await archive(made.image, await storeWith(made), format)
    const store = await openDirectoryStore(join(temporaryDirectory(), 'blobs'))
    const writing = archive(made.image, store, format, workerFile)
    await Promise.all(
      made.image.layers.map(({ descriptor }, i) => {
        const blob = made.blobs[i] ?? expect.fail()
        const bodies = [Buffer.concat([blob.subarray(0, -1), Buffer.from('!')]), blob]
        return store.write(descriptor, async () => slowly(bodies.shift() ?? expect.fail()), { signal })
      }),
    )
    expect((await writing).equals(expected)).toBe(true)
  })
})

async function* slow(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 300_000) {
    yield bytes.subarray(at, at + 300_000)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const slowly = (bytes: Buffer) => Readable.from(slow(bytes), { objectMode: false })

/** One layer that outweighs the others, so that two threads share it. */
const dominant: typeof recipes = [
  [noise(1), gzipSync],
  [Buffer.concat([zeros, noise(7)]), inTwoMembers],
  [noise(1), gzipSync],
]

const large: typeof recipes = Array.from({ length: 4 }, () => [noise(3), gzipSync])

/** Sends all of a blob but its end, which it keeps until it is told. */
async function* heldBack(blob: Buffer, released: Promise<void>) {
  yield blob.subarray(0, -2000)
  await released
  yield blob.subarray(-2000)
}

test.each<[string, (size: Buffer) => Buffer]>([
  ['ask for their sizes', (size) => size],
  ['are lied to about their sizes', () => Buffer.from([0, 0, 0x40, 0])],
])('layers that arrive slowly, all at once, %s and are written while they arrive', async (_, answer) => {
  const { image, blobs, ...rest } = imageOf(large)
  const expected = await archive(image, await storeWith({ image, blobs, ...rest }), 'docker')
  const store = await openDirectoryStore(join(temporaryDirectory(), 'blobs'))
  const directory = temporaryDirectory()
  const path = join(directory, 'app.tar')
  const output = await openFileOutput(path, { workerFile })
  const writing = output.write(dockerArchive.entries([image], store), signal)
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const arriving = image.layers.map(({ descriptor }, i) => {
    const blob = blobs[i] ?? expect.fail()
    const end = Promise.resolve(answer(blob.subarray(-4)))
    const source = async () => Readable.from(heldBack(blob, released), { objectMode: false })
    return store.write(descriptor, source, { signal, end })
  })
  const sizeSoFar = () =>
    Math.max(...readdirSync(directory).map((name) => statSync(join(directory, name)).size))
  await vi.waitUntil(() => sizeSoFar() > 11.5 * 1024 * 1024, { timeout: 15_000 })
  release()
  await Promise.all([...arriving, writing])
  await output.commit(signal)
  expect(readFileSync(path).equals(expected)).toBe(true)
})

test.each([
  ['layer', () => large],
  ['dominant layer', () => dominant],
])('a %s that is not what its diffID says fails in a thread as it does here', async (_, chosen) => {
  const { image, blobs, layers } = imageOf(chosen())
  const [first, second, ...rest] = image.layers
  if (!first || !second) expect.fail()
  const wrong = { ...image, layers: [first, { ...second, diffId: digestOf('another') }, ...rest] }
  const store = await storeWith({ image, blobs, layers })
  const [here, there] = await Promise.all(
    [undefined, workerFile].map((file) => archive(wrong, store, 'docker', file).catch((error) => error)),
  )
  expect(there).toBeInstanceOf(DrayError)
  expect(there).toMatchObject({ code: 'INTEGRITY', message: here.message })
  expect(there.message).toContain(shortDigest(second.descriptor.digest))
})

test('a dominant layer that is corrupt fails in threads as it does here', async () => {
  const [first, [content], last] = dominant as [(typeof recipes)[0], (typeof recipes)[0], (typeof recipes)[0]]
  const cut = (bytes: Buffer) => gzipSync(bytes).subarray(0, -1000)
  const made = imageOf([first, [content, cut], last])
  const store = await storeWith(made)
  const [here, there] = await Promise.all(
    [undefined, workerFile].map((file) => archive(made.image, store, 'docker', file).catch((error) => error)),
  )
  expect(there).toMatchObject({ code: 'INTEGRITY', message: here.message })
})

test.each([
  ['many layers', 'oci', () => large],
  ['a dominant layer', 'docker', () => dominant],
] as const)('an archive of %s that cannot be written to is a file error', async (_, format, chosen) => {
  const made = imageOf(chosen())
  const path = join(temporaryDirectory(), 'app.tar')
  writeFileSync(path, '')
  const file = await open(path, 'r')
  const entries = [...formats[format].entries([made.image], await storeWith(made))].filter(
    (entry) => 'layer' in entry,
  )
  const workers = createLayerWorkers(workerFile)
  const writing = placeEntries(entries, { file, path: 'app.tar', offset: 0, workers, signal })
  await expect(writing).rejects.toMatchObject({
    code: 'FILE',
    message: expect.stringContaining('write app.tar'),
  })
  await workers?.close()
  await file.close()
})

test.each([
  ['threads', () => large],
  ['the two threads of a dominant layer', () => dominant.slice(1)],
])('an interruption ends %s that wait, with its reason', async (_, chosen) => {
  const { image } = imageOf(chosen())
  const store = await openDirectoryStore(join(temporaryDirectory(), 'blobs'))
  const [{ descriptor } = expect.fail()] = image.layers
  const stop = new AbortController()
  const silent = new Readable({ read() {} })
  silent.push(noise(1))
  const fetching = store.write(descriptor, async () => silent, { signal: stop.signal }).catch(() => 'ended')
  const output = await openFileOutput(join(temporaryDirectory(), 'app.tar'), { workerFile })
  const writing = output.write(dockerArchive.entries([image], store), stop.signal)
  setTimeout(() => stop.abort(new DrayError('ABORTED', 'enough')), 200)
  await expect(writing).rejects.toThrow('enough')
  await output.abort()
  expect(await fetching).toBe('ended')
})

test('what threads write is brought to the disk before it is all there', async () => {
  const made = imageOf([[Buffer.concat([noise(9), Buffer.alloc(32 * 1024 * 1024)]), gzipSync]])
  const probe = await open(workerFile)
  const flush = vi.spyOn(Object.getPrototypeOf(probe), 'datasync')
  await probe.close()
  await archive(made.image, await storeWith(made), 'docker', workerFile)
  expect(flush).toHaveBeenCalled()
  flush.mockRestore()
})

test('of two threads that share a layer, the one that failed says why', async () => {
  const content = noise(3)
  const blob = join(temporaryDirectory(), 'blob')
  writeFileSync(blob, gzipSync(content))
  const file = await open(blob, 'r')
  const workers = createLayerWorkers(workerFile) ?? expect.fail()
  const prepare = async () => {
    const arrival = createArrival()
    arrival.complete((await file.stat()).size)
    return {
      job: { what: 'it', blob: file.fd, isInflated: true },
      place: { what: 'it', archive: file.fd, path: 'a.tar', position: 0, digest: digestOf(content) },
      arrival,
      release: async () => {},
    }
  }
  const running = workers.run(prepare, { isDominant: true, signal })
  await expect(running).rejects.toMatchObject({ code: 'FILE', message: expect.stringContaining('a.tar') })
  await workers.close()
  await file.close()
})

test('an interruption just before a thread begins ends it too', async () => {
  const { image } = imageOf(large)
  const [{ descriptor } = expect.fail()] = image.layers
  const stop = new AbortController()
  const blob = join(temporaryDirectory(), 'blob')
  writeFileSync(blob, '')
  const file = await open(blob)
  const workers = createLayerWorkers(workerFile) ?? expect.fail()
  const prepare = async () => {
    stop.abort(new DrayError('ABORTED', 'enough'))
    const { digest } = descriptor
    return {
      job: { what: 'it', blob: file.fd, isInflated: true },
      place: { what: 'it', archive: file.fd, path: 'it', position: 0, digest },
      arrival: createArrival(),
      release: () => file.close(),
    }
  }
  await expect(workers.run(prepare, { signal: stop.signal })).rejects.toThrow('enough')
  await workers.close()
})

test('a thread that dies is an error, not a wait', async () => {
  const made = imageOf(large)
  const file = join(temporaryDirectory(), 'worker.mjs')
  writeFileSync(file, 'process.exit(3)')
  const writing = archive(made.image, await storeWith(made), 'docker', pathToFileURL(file))
  await expect(writing).rejects.toThrow('ended with 3')
})

/** How many threads the published package makes for a pull. */
async function threadsFor(layerSizes: readonly number[]): Promise<number> {
  const content = createContent()
  const layers = await Promise.all(layerSizes.map((size) => buildLayer({ file: randomBytes(size) })))
  addImage(content, buildImage({ layers }), 'app:latest')
  const server = await serveDuringTest(registry(content))
  const script = `
    const threads = process.getBuiltinModule('node:worker_threads')
    let count = 0
    threads.Worker = class extends threads.Worker { constructor(...args) { super(...args); count += 1 } }
    const { pull } = await import('./dist/index.js')
    await pull(['${server.host}/app'], { output: process.argv[1] })
    console.log(count)`
  const args = ['--input-type=module', '-e', script, join(temporaryDirectory(), 'app.tar')]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
  return Number(stdout)
}

test('small images have no threads, large ones no more than the machine has processors', async () => {
  expect(await threadsFor([3_000_000, 3_000_000])).toBe(0)
  const count = await threadsFor([3_000_000, 3_000_000, 3_000_000, 3_000_000])
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThanOrEqual(availableParallelism())
})
