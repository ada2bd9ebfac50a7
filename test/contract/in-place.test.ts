import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import type { PullOptions } from '../../src/pull.ts'
import { claimedBy } from '../support/claims.ts'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pathsSeen, pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { rangeStart, registry } from '../support/registry.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const size = 2 * 1024 * 1024
const half = size / 2

/** Two images, each of two layers, of which they share the first. */
async function serveImages() {
  const content = createContent()
  const [base, top, other] = await Promise.all([
    buildRandomLayer('base', size),
    buildRandomLayer('top', size),
    buildRandomLayer('other', size - 700),
  ])
  addImage(content, buildImage({ layers: [base, top] }), 'app:1')
  addImage(content, buildImage({ layers: [base, other] }), 'app:2')
  let isBroken = false
  let before = 0
  /** Of the top layer, half is to be had. */
  const handler: Handler = (request, response) => {
    if (!isBroken || !request.url?.endsWith(top.digest)) return registry(content)(request, response)
    if (request.headers.range) return void response.writeHead(400).end()
    response.writeHead(200, { 'content-length': top.blob.length })
    response.write(top.blob.subarray(0, half), () => setTimeout(() => response.destroy(), 50))
  }
  const server = await serveDuringTest(handler)
  const breakOff = async (output: string, options: PullOptions = {}) => {
    isBroken = true
    const pulling = pullFrom(server, 'app:1', { output, format: 'oci', jobs: 1, ...options })
    await expect(pulling).rejects.toMatchObject({ name: 'DrayError' })
    isBroken = false
    before = server.requests.length
  }
  /** Where the requests for a blob began, those since the pull that broke off. */
  const rangesOf = (digest: string) =>
    server.requests
      .slice(before)
      .filter(({ url }) => url.endsWith(digest))
      .map((request) => rangeStart(request as never))
  return { server, base, top, breakOff, rangesOf }
}

/** How far it came is seen by the last byte that is not zero, which the one before the break is not. */
async function buildRandomLayer(name: string, bytes: number): ReturnType<typeof buildLayer> {
  const layer = await buildLayer({ [name]: randomBytes(bytes) })
  return layer.blob[half - 1] === 0 ? buildRandomLayer(name, bytes) : layer
}

const pullOci = (server: TestServer, name: string, output: string) =>
  pullFrom(server, name, { output, format: 'oci' })

const outputPath = () => join(temporaryDirectory(), 'image.tar')

async function undisturbed(server: TestServer, name: string) {
  return readFile((await pullOci(server, name, outputPath())).path)
}

/** What is in the directory beside the archive while blobs come. */
async function watchPull(server: TestServer, output: string): Promise<readonly string[]> {
  const seen = new Set<string>()
  await pullFrom(server, 'app:1', {
    output,
    format: 'oci',
    onEvent: ({ type }) => {
      if (type !== 'blob-progress') return
      for (const name of readdirSync(`${output}.partial`)) seen.add(name)
    },
  })
  return [...seen]
}

test('while an oci archive comes, there is nothing of it but the archive itself', async () => {
  const { server } = await serveImages()
  const output = outputPath()
  const seen = await watchPull(server, output)
  expect(seen).toEqual([expect.stringMatching(/^archive\.tar\..*\.partial$/)])
  expect(readdirSync(dirname(output))).toEqual(['image.tar'])
})

test('its file can be read by others as far as the process lets them', async () => {
  const { server } = await serveImages()
  const expected = join(temporaryDirectory(), 'any')
  await writeFile(expected, '')
  const { path } = await pullOci(server, 'app:1', outputPath())
  expect(statSync(path).mode).toBe(statSync(expected).mode)
})

test('one that failed goes on where it broke off, and asks for no layer again that is whole', async () => {
  const { server, base, top, breakOff, rangesOf } = await serveImages()
  const expected = await undisturbed(server, 'app:1')
  const output = outputPath()
  await breakOff(output)
  expect(existsSync(output)).toBe(false)
  expect(readdirSync(`${output}.partial`)).toEqual(['archive.tar.partial'])

  await pullOci(server, 'app:1', output)

  expect(rangesOf(base.digest)).toEqual([])
  expect(rangesOf(top.digest)).toEqual([half])
  expect((await readFile(output)).equals(expected)).toBe(true)
  expect(existsSync(`${output}.partial`)).toBe(false)
})

test('so does one that was killed', async () => {
  const { server, top, breakOff, rangesOf } = await serveImages()
  const output = outputPath()
  await breakOff(output)
  const left = join(`${output}.partial`, 'archive.tar')
  await rename(`${left}.partial`, claimedBy.dead(left))

  await pullOci(server, 'app:1', output)

  expect(rangesOf(top.digest)).toEqual([half])
  expect(existsSync(`${output}.partial`)).toBe(false)
})

test('what another process is at work on is left alone', async () => {
  const { server, top, breakOff, rangesOf } = await serveImages()
  const output = outputPath()
  await breakOff(output)
  const left = join(`${output}.partial`, 'archive.tar')
  const theirs = claimedBy.living(left)
  await rename(`${left}.partial`, theirs)
  await writeFile(claimedBy.living(join(dirname(output), '.image.tar')), '')

  await pullOci(server, 'app:1', output)

  expect(rangesOf(top.digest)).toEqual([undefined])
  expect(existsSync(theirs)).toBe(true)
})

test('garbage in what was left costs a download, never a wrong archive', async () => {
  const { server, base, breakOff, rangesOf } = await serveImages()
  const expected = await undisturbed(server, 'app:1')
  const output = outputPath()
  await breakOff(output)
  const left = join(`${output}.partial`, 'archive.tar.partial')
  const bytes = await readFile(left)
  const spot = bytes.indexOf(base.blob) + 1000
  await writeFile(left, Buffer.concat([bytes.subarray(0, spot), randomBytes(10), bytes.subarray(spot + 10)]))

  await pullOci(server, 'app:1', output)

  // A request for the zeros that it seems to end in may come first.
  expect(rangesOf(base.digest).at(-1)).toBe(undefined)
  expect(rangesOf(base.digest).length).toBeGreaterThan(0)
  expect((await readFile(output)).equals(expected)).toBe(true)
})

test('what was left of another image is no part of this one', async () => {
  const { server, breakOff } = await serveImages()
  const expected = await undisturbed(server, 'app:2')
  const output = outputPath()
  await breakOff(output)

  await pullOci(server, 'app:2', output)

  expect((await readFile(output)).equals(expected)).toBe(true)
  expect(existsSync(`${output}.partial`)).toBe(false)
})

test('blobs that were left by a pull of the other format are used', async () => {
  const { server, base, top, breakOff, rangesOf } = await serveImages()
  const expected = await undisturbed(server, 'app:1')
  const output = outputPath()
  await breakOff(output, { format: 'docker' })

  await pullOci(server, 'app:1', output)

  expect(rangesOf(base.digest)).toEqual([])
  expect(rangesOf(top.digest)).toEqual([half])
  expect((await readFile(output)).equals(expected)).toBe(true)
})

test('a pull of the other format clears away what was left when it is done', async () => {
  const { server, breakOff } = await serveImages()
  const output = outputPath()
  await breakOff(output)
  await pullFrom(server, 'app:1', { output })
  expect(readdirSync(dirname(output))).toEqual(['image.tar'])
})

const mayLink = process.platform !== 'win32'

test.runIf(mayLink)(
  'behind a link, which may lead to another disk, the archive appears where it points to',
  async () => {
    const { server } = await serveImages()
    const output = outputPath()
    const target = join(temporaryDirectory(), 'elsewhere.tar')
    await writeFile(target, 'old')
    await symlink(target, output)
    expect(await watchPull(server, output)).toEqual(['blobs'])
    expect((await readFile(target)).equals(await undisturbed(server, 'app:1'))).toBe(true)
    expect(readdirSync(dirname(target))).toEqual(['elsewhere.tar'])
  },
)

test('nothing is left of a pull to which nothing came', async () => {
  const { server } = await serveImages()
  const broken = await serveDuringTest((request, response) => {
    if (request.url?.includes('/blobs/') && pathsSeen(broken, '/blobs/').length > 1) {
      return void response.writeHead(404).end()
    }
    response.writeHead(307, { location: `http://${server.host}${request.url}` }).end()
  })
  const output = outputPath()
  await mkdir(dirname(output), { recursive: true })
  await expect(pullOci(broken, 'app:1', output)).rejects.toMatchObject({ name: 'DrayError' })
  expect(readdirSync(dirname(output))).toEqual([])
})
