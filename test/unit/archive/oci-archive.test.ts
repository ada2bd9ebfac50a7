import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ArchiveEntry } from '../../../src/archive/archive-format.ts'
import { ociArchive } from '../../../src/archive/oci-archive.ts'
import type { Image } from '../../../src/image/image.ts'
import { digestHex } from '../../../src/oci/digest.ts'
import { makeImage, storeOf, tarOf } from '../../support/images.ts'

const { signal } = new AbortController()
const name = 'ghcr.io/org/app:1.2'

const entriesOf = (images: readonly Image[], blobs: readonly Buffer[] = []) => [
  ...ociArchive.entries(images, storeOf(blobs)),
]
const blobPath = ({ digest }: Image['config']) => `blobs/sha256/${digestHex(digest)}`

async function read(entries: readonly ArchiveEntry[], path: string): Promise<Buffer> {
  const entry = entries.find((entry) => entry.path === path)
  return entry?.type === 'file' ? buffer(entry.open(signal)) : expect.fail(`no file ${path}`)
}
const readJson = async (entries: readonly ArchiveEntry[], path: string) =>
  JSON.parse((await read(entries, path)).toString())

test('every blob is there as served, in a fixed order, its size known', async () => {
  const { image, blobs } = makeImage({ name })
  const entries = entriesOf([image], blobs)
  const descriptors = [image.manifest, image.config, ...image.layers.map(({ descriptor }) => descriptor)]
  expect(entries.map(({ path }) => path)).toEqual([
    'oci-layout',
    'index.json',
    'manifest.json',
    ...descriptors.map(blobPath),
  ])
  expect(entries.slice(3)).toMatchObject(descriptors.map(({ size }) => ({ type: 'file', size, mtime: 0 })))
  const contents = [image.manifestBytes, image.configBytes, ...blobs]
  for (const [i, descriptor] of descriptors.entries()) {
    expect(await read(entries, blobPath(descriptor))).toEqual(contents[i])
  }
})

test('the layout version has exactly the text of the specification', async () => {
  expect((await read(entriesOf([makeImage().image]), 'oci-layout')).toString()).toBe(
    '{"imageLayoutVersion":"1.0.0"}',
  )
})

test('the index names the manifest with its platform and both annotations', async () => {
  const { image } = makeImage({ name })
  const index = await readJson(entriesOf([image]), 'index.json')
  expect(index).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...image.manifest,
        platform: { architecture: 'amd64', os: 'linux' },
        annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': '1.2' },
      },
    ],
  })
})

test('an image without a name has no annotations', async () => {
  const entries = entriesOf([makeImage().image])
  const { manifests } = await readJson(entries, 'index.json')
  expect(manifests[0]).not.toHaveProperty('annotations')
  expect(await readJson(entries, 'manifest.json')).toMatchObject([{ RepoTags: null }])
})

test('manifest.json lists config and layers as blobs, a layer that comes again by the same path', async () => {
  const { image } = makeImage({ name, layers: [tarOf('a'), tarOf('b'), tarOf('a')] })
  const entries = entriesOf([image])
  const layers = image.layers.map(({ descriptor }) => blobPath(descriptor))
  expect(await readJson(entries, 'manifest.json')).toEqual([
    { Config: blobPath(image.config), RepoTags: [name], Layers: layers },
  ])
  expect(layers[2]).toBe(layers[0])
  expect(entries.filter(({ path }) => path === layers[0])).toHaveLength(1)
})

test('an image under two names is stored once, and the index names it twice', async () => {
  const { image } = makeImage({ name })
  const entries = entriesOf([image, { ...image, name: 'ghcr.io/org/app:latest' }])
  const { manifests } = await readJson(entries, 'index.json')
  expect(manifests.map(({ digest }: Image['manifest']) => digest)).toEqual([
    image.manifest.digest,
    image.manifest.digest,
  ])
  expect(await readJson(entries, 'manifest.json')).toMatchObject([
    { RepoTags: [name, 'ghcr.io/org/app:latest'] },
  ])
  expect(new Set(entries.map(({ path }) => path)).size).toBe(entries.length)
})

test('a blob that is not what its digest promises is an integrity error', async () => {
  const { image } = makeImage()
  const entries = entriesOf([image], [])
  const [layer] = image.layers
  if (!layer) expect.fail()
  await expect(read(entries, blobPath(layer.descriptor))).rejects.toMatchObject({ code: 'INTEGRITY' })
})
