import { type ChildProcess, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { pathsSeen, pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { rangeStart, registry } from '../support/registry.ts'
import { type Finished, runDray } from '../support/run-dray.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const layerSize = 1024 * 1024
/** What the image is called in the archive, wherever it came from. */
const name = 'app:1'

/** An image of several layers behind a network that takes its time, and the archive that comes of it. */
async function slowServer({ layers = 3, pieces = 16, pause = 15 } = {}) {
  const content = createContent()
  const built = await Promise.all(
    Array.from({ length: layers }, (_, i) => buildLayer({ [`noise${i}`]: randomBytes(layerSize) })),
  )
  addImage(content, buildImage({ layers: built }), 'app:1')
  const slowness = { pieces, pause }
  const server = await serveDuringTest(inPieces(registry(content), slowness))
  const origin = await serveDuringTest(registry(content))
  const expected = sha256(readFileSync((await pullFrom(origin, 'app:1', { name })).path))
  return { server, content, digests: built.map(({ digest }) => digest), slowness, expected }
}

/** Blobs come in pieces, with a pause after each. */
function inPieces(next: Handler, slowness: { readonly pieces: number; pause: number }): Handler {
  return (request, response) => {
    if (!request.url?.includes('/blobs/')) return next(request, response)
    const { end } = response
    response.end = ((bytes: Buffer = Buffer.alloc(0)) => {
      const step = Math.ceil(bytes.length / slowness.pieces)
      const send = (from: number) => {
        if (from >= bytes.length) return void Reflect.apply(end, response, [])
        response.write(bytes.subarray(from, from + step))
        setTimeout(send, slowness.pause, from + step)
      }
      send(0)
      return response
    }) as typeof response.end
    return next(request, response)
  }
}

const pullArgs = (server: TestServer, output: string, more: readonly string[] = []) => [
  '--plain-http',
  '--progress',
  'none',
  '--name',
  name,
  '-o',
  output,
  ...more,
  `${server.host}/app:1`,
]

function expectAllWell(results: readonly Finished[]): void {
  expect(results.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    results.map(() => ({ exitCode: 0, stderr: '' })),
  )
}

const hashOf = (path: string) => sha256(readFileSync(path))

/** Everything in a directory, at any depth. */
const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()

describe('several pulls at once', () => {
  test('with one cache all end well, and none fetches a blob twice', { timeout: 60_000 }, async () => {
    const { server, content, digests, expected } = await slowServer()
    const directory = temporaryDirectory()
    const cache = join(directory, 'cache')
    const outputs = [1, 2, 3, 4].map((i) => join(directory, `${i}.tar`))

    expectAllWell(
      await Promise.all(outputs.map((output) => runDray(pullArgs(server, output, ['--cache', cache])))),
    )

    expect(outputs.map(hashOf)).toEqual(outputs.map(() => expected))
    for (const digest of digests) expect(pathsSeen(server, digest).length).toBeLessThanOrEqual(outputs.length)
    const all = [...content.blobs.keys()]
    expect(filesIn(cache)).toEqual(all.map((digest) => digest.slice(7)).sort())
    const before = server.requests.length
    expectAllWell([await runDray(pullArgs(server, outputs[0] ?? '', ['--cache', cache]))])
    for (const { url } of server.requests.slice(before))
      expect(all.some((digest) => url.includes(digest))).toBe(false)
  })

  test('with one output all end well, and nothing but the archive is left', { timeout: 60_000 }, async () => {
    const { server, expected } = await slowServer()
    const directory = temporaryDirectory()
    const output = join(directory, 'image.tar')

    const late = new Promise((resolve) => setTimeout(resolve, 300)).then(() =>
      runDray(pullArgs(server, output)),
    )
    expectAllWell(
      await Promise.all([runDray(pullArgs(server, output)), runDray(pullArgs(server, output)), late]),
    )

    expect(hashOf(output)).toBe(expected)
    expect(filesIn(directory)).toEqual(['image.tar'])
    expect(readdirSync(directory)).toEqual(['image.tar'])
  })

  test('one that ends first takes nothing from one that still runs', async () => {
    const { content, digests, expected } = await slowServer({ pause: 0 })
    const output = join(temporaryDirectory(), 'image.tar')
    const last = digests.at(-1) ?? ''
    let release = () => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    let held = 1
    const server = await serveDuringTest(async (request, response) => {
      if (request.url?.includes(last) && held-- > 0) await isReleased
      return registry(content)(request, response)
    })
    const slow = pullFrom(server, 'app:1', { name, output })
    await expect.poll(() => pathsSeen(server, last).length).toBe(1)
    const quick = await pullFrom(server, 'app:1', { name, output })
    expect(hashOf(quick.path)).toBe(expected)
    release()
    expect(hashOf((await slow).path)).toBe(expected)
    expect(readdirSync(join(output, '..'))).toEqual(['image.tar'])
  })

  test('one that gets wrong bytes spoils nothing for the other', async () => {
    const { server, content, digests, expected } = await slowServer({ layers: 1 })
    const [digest = ''] = digests
    const wrong = Buffer.alloc(content.blobs.get(digest)?.length ?? 0, 'x')
    const spoilt = { ...content, blobs: new Map([...content.blobs, [digest, wrong]]) }
    const bad = await serveDuringTest(registry(spoilt))
    const directory = temporaryDirectory()
    const cache = join(directory, 'cache')
    const good = pullFrom(server, 'app:1', { name, output: join(directory, 'good.tar'), cache })
    await expect.poll(() => partialsIn(cache).some((size) => size > 0)).toBe(true)
    const failure = pullFrom(bad, 'app:1', { name, output: join(directory, 'bad.tar'), cache })
    await expect(failure).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(hashOf((await good).path)).toBe(expected)
    const kept = [digest, ...content.blobs.keys()].map((each) => each.slice(7))
    expect(filesIn(cache)).toEqual([...new Set(kept)].sort())
  })
})

describe('a pull that was killed', () => {
  test.each([
    ['--cache', (directory: string) => ['--cache', join(directory, 'cache')]],
    ['no cache', () => []],
  ])(
    'goes on with the missing bytes when it is repeated at once: %s',
    { timeout: 60_000 },
    async (_, more) => {
      const { server, digests, slowness, expected } = await slowServer({
        layers: 2,
        pieces: 40,
        pause: 20,
      })
      const directory = temporaryDirectory()
      const output = join(directory, 'image.tar')
      const args = pullArgs(server, output, more(directory))
      writeFileSync(output, 'old')

      await killWhen(
        args,
        () =>
          partialsIn(directory).every((size) => size > layerSize / 8) && partialsIn(directory).length === 2,
      )
      expect(readFileSync(output, 'utf8')).toBe('old')
      expect(readdirSync(directory).some((name) => name.startsWith('.image.tar.'))).toBe(true)
      const sizes = partialsIn(directory)
      slowness.pause = 1
      const before = server.requests.length
      expectAllWell([await runDray(args)])

      const again = server.requests
        .slice(before)
        .filter(({ url }) => digests.some((digest) => url.includes(digest)))
      expect(again.map((request) => rangeStart(request as never)).toSorted()).toEqual(sizes.toSorted())
      expect(again).toHaveLength(digests.length)
      expect(hashOf(output)).toBe(expected)
      expect(filesIn(directory).filter((name) => name.includes('partial'))).toEqual([])
    },
  )
})

/** Runs it, and kills it as soon as that holds. */
async function killWhen(args: readonly string[], holds: () => boolean): Promise<void> {
  let child: ChildProcess | undefined
  const running = runDray(args, {
    onStart: (started) => {
      child = started
    },
  })
  await expect.poll(holds, { timeout: 20_000, interval: 5 }).toBe(true)
  child?.kill('SIGKILL')
  expect((await running).exitCode).toBe(null)
}

/** How much has arrived of each blob. */
function partialsIn(directory: string): readonly number[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(({ name }) => /^[0-9a-f]{64}\..*partial$/.test(name))
    .map(({ parentPath, name }) => statSync(join(parentPath, name)).size)
}

const isRoot = process.getuid?.() === 0

describe.skipIf(process.platform === 'win32')('a place that is not fit', () => {
  test.runIf(isRoot)(
    'for the cache, since it is another user’s, is told before the network is asked anything',
    async () => {
      const { server } = await slowServer({ layers: 1 })
      const directory = temporaryDirectory()
      const cache = join(directory, 'cache')
      execFileSync('mkdir', [cache])
      execFileSync('chmod', ['777', directory])
      execFileSync('chown', ['12345', cache])
      const foreign = await runDray(pullArgs(server, join(directory, 'x.tar'), ['--cache', cache]), {
        uid: 65_534,
      })
      expect(foreign).toMatchObject({
        exitCode: 7,
        stderr: expect.stringContaining('belongs to another user'),
      })
      expect(server.requests).toEqual([])
      expect(readdirSync(directory)).toEqual(['cache'])
    },
  )

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'a FIFO that no one reads does not outlive a %s',
    async (signal) => {
      const { server } = await slowServer({ layers: 1, pause: 0 })
      const fifo = join(temporaryDirectory(), 'fifo')
      execFileSync('mkfifo', [fifo])
      const result = await runDray(pullArgs(server, fifo), {
        onStart: (child) => setTimeout(() => child.kill(signal), 2000),
      })
      expect(result.exitCode).toBe(signal === 'SIGINT' ? 130 : 143)
    },
  )

  test('a FIFO gets the archive', async () => {
    const { server, expected } = await slowServer({ layers: 1, pause: 0 })
    const directory = temporaryDirectory()
    const fifo = join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    const pulling = runDray(pullArgs(server, fifo))
    const copy = buffer(createReadStream(fifo))
    expectAllWell([await pulling])
    expect(sha256(await copy)).toBe(expected)
    expect(readdirSync(directory)).toEqual(['fifo'])
  })

  test.each([
    ['the directory of the blobs', 'x.tar.partial'],
    ['a directory in it', 'x.tar.partial/blobs'],
    ['another', 'x.tar.partial/blobs/sha256'],
  ])('a link in the place of %s is not followed', async (_, name) => {
    const { server } = await slowServer({ layers: 1, pause: 0 })
    const directory = temporaryDirectory()
    const elsewhere = temporaryDirectory()
    execFileSync('mkdir', ['-p', join(directory, name, '..')])
    execFileSync('ln', ['-s', elsewhere, join(directory, name)])
    const result = await runDray(pullArgs(server, join(directory, 'x.tar')))
    expect(result).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('it is a symbolic link') })
    expect(readdirSync(elsewhere)).toEqual([])
    expect(readdirSync(directory)).toEqual(['x.tar.partial'])
  })
})

describe.runIf(isRoot && process.platform === 'linux')('a disk that is full', () => {
  test('is told with its place; what arrived stays, and the pull goes on from there', async ({
    onTestFinished,
  }) => {
    const { server, digests, expected } = await slowServer({ layers: 2, pause: 0 })
    const disk = temporaryDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk])
    onTestFinished(() => void execFileSync('umount', [disk]))
    const output = join(disk, 'image.tar')

    const result = await runDray(pullArgs(server, output))
    expect(result).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('the disk is full') })
    expect(result.stderr).toContain(disk)
    expect(readdirSync(disk)).toEqual(['image.tar.partial'])

    execFileSync('mount', ['-o', 'remount,size=20m', disk])
    const before = server.requests.length
    expectAllWell([await runDray(pullArgs(server, output))])
    expect(hashOf(output)).toBe(expected)
    const again = server.requests
      .slice(before)
      .filter(({ url }) => digests.some((digest) => url.includes(digest)))
    expect(again.every(({ headers }) => headers.range !== undefined)).toBe(true)
    expect(readdirSync(disk)).toEqual(['image.tar'])
  })
})
