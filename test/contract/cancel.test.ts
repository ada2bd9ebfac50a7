import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import type { Handler } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Answers until the path holds this word; then sends half an answer, or nothing at all, and stays silent. */
function silentAt(next: Handler, word: string, half: boolean, reached: () => void): Handler {
  return (request, response) => {
    if (!request.url?.includes(word)) return next(request, response)
    reached()
    if (!half) return
    response.writeHead(200, { 'content-length': 100_000 })
    response.write('x'.repeat(1000))
  }
}

async function content() {
  const content = createContent()
  addImage(
    content,
    buildImage({ layers: [await buildLayer({ a: 'x'.repeat(300_000) }, { compression: 'none' })] }),
    'app:1',
  )
  return { content, layer: [...content.blobs.keys()][0] ?? '' }
}

test.each([
  ['while the manifest is asked for', '/manifests/', false],
  ['in the middle of the manifest', '/manifests/', true],
  ['while a layer is asked for', 'LAYER', false],
  ['in the middle of a layer', 'LAYER', true],
])('a signal %s ends the pull at once, with no archive and no socket left', async (_, word, half) => {
  const { content: images, layer } = await content()
  const controller = new AbortController()
  const handler = silentAt(registry(images), word.replace('LAYER', layer), half, () =>
    setTimeout(() => controller.abort(), 50),
  )
  const server = await serveDuringTest(handler)
  const output = join(temporaryDirectory(), 'image.tar')

  await expect(pullFrom(server, 'app:1', { output, signal: controller.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  })

  expect(existsSync(output)).toBe(false)
  expect((await readdir(dirname(output))).filter((name) => name !== 'image.tar.partial')).toEqual([])
  await expect.poll(() => server.openSockets()).toBe(0)
})

test('a signal that was given before ends the pull before anything is done', async () => {
  const server = await serveDuringTest(registry((await content()).content))
  await expect(pullFrom(server, 'app:1', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  })
  expect(server.requests).toEqual([])
})
