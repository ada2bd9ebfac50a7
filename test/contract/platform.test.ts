import { expect, test } from 'vitest'
import {
  addImage,
  addIndex,
  addManifest,
  buildImage,
  buildLayer,
  createContent,
} from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'

const platforms = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
  { os: 'linux', architecture: 'arm', variant: 'v7' },
]

async function multiPlatform() {
  const content = createContent()
  const images = await Promise.all(
    platforms.map(async (platform) =>
      buildImage({ platform, oci: true, layers: [await buildLayer({ arch: platform.architecture })] }),
    ),
  )
  addIndex(content, images, 'app:1', { attestations: true })
  return { content, images }
}

test.each([
  ['linux/amd64', 0],
  ['linux/arm64', 1],
  ['linux/arm64/v8', 1],
  ['linux/arm/v7', 2],
  ['linux/arm/v8', 2],
])(
  '--platform %s takes the best entry of the index and fetches nothing of the others',
  async (platform, expected) => {
    const { content, images } = await multiPlatform()
    const server = await serveDuringTest(registry(content))

    const { result } = await pullFrom(server, 'app:1', { platform })

    expect(result.images[0]?.digest).toBe(images[expected]?.digest)
    const manifests = server.requests.filter(({ url }) => url.includes('/manifests/'))
    expect(manifests.map(({ url }) => url.split('/').at(-1))).toEqual(['1', images[expected]?.digest])
  },
)

test('a platform that is not there is an error that lists what is, attestations left out', async () => {
  const { content } = await multiPlatform()
  const server = await serveDuringTest(registry(content))

  const failure = pullFrom(server, 'app:1', { platform: 'linux/s390x' })

  await expect(failure).rejects.toMatchObject({ code: 'NO_MATCHING_PLATFORM' })
  const text = await failure.catch((error) => `${error.message} ${error.hint}`)
  for (const there of ['linux/amd64', 'linux/arm64', 'linux/arm/v7']) expect(text).toContain(there)
  expect(text).not.toContain('unknown')
})

test('an index inside an index is followed', async () => {
  const { content, images } = await multiPlatform()
  const inner = content.tags.get('app:1') ?? ''
  const innerBytes = content.manifests.get(inner)?.bytes ?? Buffer.alloc(0)
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const outer = {
    schemaVersion: 2,
    mediaType,
    manifests: [{ mediaType, digest: inner, size: innerBytes.length }],
  }
  addManifest(content, Buffer.from(JSON.stringify(outer)), mediaType, 'app:nested')
  const server = await serveDuringTest(registry(content))

  const { result } = await pullFrom(server, 'app:nested', { platform: 'linux/arm64' })

  expect(result.images[0]?.digest).toBe(images[1]?.digest)
})

test('a single image for another platform is taken with a warning, as docker does', async () => {
  const content = createContent()
  addImage(
    content,
    buildImage({ platform: { os: 'linux', architecture: 's390x' }, layers: [await buildLayer({ a: '' })] }),
    'app:1',
  )
  const { events, result } = await pullFrom(await serveDuringTest(registry(content)), 'app:1')

  expect(result.images[0]?.platform).toBe('linux/s390x')
  expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
    { message: expect.stringContaining('linux/s390x') },
  ])
})

test('a single image for another platform is an error when a platform was asked for', async () => {
  const content = createContent()
  addImage(
    content,
    buildImage({ platform: { os: 'linux', architecture: 's390x' }, layers: [await buildLayer({ a: '' })] }),
    'app:1',
  )
  const server = await serveDuringTest(registry(content))

  await expect(pullFrom(server, 'app:1', { platform: 'linux/amd64' })).rejects.toMatchObject({
    code: 'NO_MATCHING_PLATFORM',
    hint: expect.stringContaining('linux/s390x'),
  })
})
