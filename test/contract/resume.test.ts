import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { rangeStart, registry, withCutBlobs } from '../support/registry.ts'
import type { Handler } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const size = 4 * 1024 * 1024

async function bigLayer() {
  const content = createContent()
  const layer = await buildLayer({ noise: randomBytes(size) })
  addImage(content, buildImage({ layers: [layer] }), 'app:1')
  return { content, layer }
}

test('a blob that breaks off goes on by Range in the same pull', async () => {
  const { content, layer } = await bigLayer()
  const server = await serveDuringTest(withCutBlobs(registry(content), (length) => Math.floor(length / 2)))

  const { events } = await pullFrom(server, 'app:1')

  const requests = server.requests.filter(({ url }) => url.endsWith(layer.digest))
  expect(requests.map(({ headers }) => headers.range?.replace(/\d+/, 'N'))).toEqual([undefined, 'bytes=N-'])
  expect(events.filter(({ type }) => type === 'retry').length).toBeGreaterThan(0)
})

test('a registry that ignores Range and sends the blob from its start again does no harm', async () => {
  const { content, layer } = await bigLayer()
  const whole: Handler = (request, response) => {
    delete request.headers.range
    return registry(content)(request, response)
  }
  const server = await serveDuringTest(withCutBlobs(whole, (length) => Math.floor(length / 2)))

  const { path } = await pullFrom(server, 'app:1')

  expect((await readFile(path)).includes(layer.tar)).toBe(true)
})

test('a pull that failed leaves what it got, and the same pull goes on from there', async () => {
  const { content, layer } = await bigLayer()
  const half = Math.floor(layer.blob.length / 2)
  const breakOff: Handler = withCutBlobs(registry(content), (length) => Math.min(length, half), 1)
  let broken = true
  const handler: Handler = (request, response) => {
    if (broken && request.headers.range) return void response.writeHead(400).end()
    return breakOff(request, response)
  }
  const server = await serveDuringTest(handler)
  const output = join(temporaryDirectory(), 'image.tar')

  await expect(pullFrom(server, 'app:1', { output })).rejects.toMatchObject({ name: 'DrayError' })
  expect(existsSync(output)).toBe(false)
  broken = false
  const { events } = await pullFrom(server, 'app:1', { output })

  const start = events.find((event) => event.type === 'blob-start')
  const resumedAt = rangeStart(server.requests.findLast(({ url }) => url.endsWith(layer.digest)) as never)
  expect(resumedAt).toBeGreaterThan(0)
  expect(start).toMatchObject({ received: resumedAt })
  expect(existsSync(`${output}.partial`)).toBe(false)
  expect((await readFile(output)).includes(layer.tar)).toBe(true)
})

test('what an earlier pull left is hashed again: garbage in it costs a download, never a wrong archive', async () => {
  const { content, layer } = await bigLayer()
  const server = await serveDuringTest(registry(content))
  const cache = temporaryDirectory()
  const { path } = await pullFrom(server, 'app:1', { cache })
  const expected = sha256(await readFile(path))
  const blob = join(cache, 'blobs', 'sha256', layer.digest.slice(7))

  await writeFile(blob, randomBytes(layer.blob.length))
  expect(sha256(await readFile((await pullFrom(server, 'app:1', { cache })).path))).toBe(expected)
  await writeFile(`${blob}.partial`, randomBytes(1000))
  await writeFile(blob, '')
  expect(sha256(await readFile((await pullFrom(server, 'app:1', { cache })).path))).toBe(expected)
})

test('a second pull with --cache fetches no blob again, nor the config', async () => {
  const { content } = await bigLayer()
  const server = await serveDuringTest(registry(content))
  const cache = temporaryDirectory()

  await pullFrom(server, 'app:1', { cache })
  const { events } = await pullFrom(server, 'app:1', { cache })

  const asked = server.requests.map(({ url }) => url).filter((url) => url.includes('/blobs/'))
  expect(asked).toHaveLength(content.blobs.size)
  expect(new Set(asked).size).toBe(content.blobs.size)
  expect(events).toContainEqual(expect.objectContaining({ type: 'blob-done', cached: true }))
})
