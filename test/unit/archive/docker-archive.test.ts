import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ArchiveEntry } from '../../../src/archive/archive-format.ts'
import { dockerArchive } from '../../../src/archive/docker-archive.ts'
import { legacyLayers } from '../../../src/archive/layer-id.ts'
import type { Image } from '../../../src/image/image.ts'
import { digestHex, digestOf } from '../../../src/oci/digest.ts'
import { makeImage, storeOf, tarOf } from '../../support/images.ts'

const { signal } = new AbortController()
const name = 'docker.io/library/app:1'

const entriesOf = (images: readonly Image[], blobs: readonly Buffer[] = []) => [
  ...dockerArchive.entries(images, storeOf(blobs)),
]
const idsOf = (image: Image) => legacyLayers(image.configJson).map(({ id }) => id)
const configPath = (image: Image) => `${digestHex(image.config.digest)}.json`

function read(entries: readonly ArchiveEntry[], path: string): Promise<Buffer> {
  const entry = entries.find((entry) => entry.path === path)
  return entry?.type === 'file' ? buffer(entry.open(signal)) : expect.fail(`no file ${path}`)
}
const readText = async (entries: readonly ArchiveEntry[], path: string) =>
  (await read(entries, path)).toString()

test('everything small comes first, then the layers, base first, each directory before its files', () => {
  const { image } = makeImage({ name })
  const [base, top] = idsOf(image)
  expect(entriesOf([image]).map(({ path }) => path)).toEqual([
    configPath(image),
    'manifest.json',
    'repositories',
    ...[base, top].flatMap((id) => [`${id}/`, `${id}/VERSION`, `${id}/json`, `${id}/layer.tar`]),
  ])
})

test('every file has the bytes that docker save writes', async () => {
  const { image, blobs, layers } = makeImage({ name })
  const [base, top] = idsOf(image)
  const entries = entriesOf([image], blobs)
  expect(await read(entries, configPath(image))).toEqual(image.configBytes)
  expect(await readText(entries, 'manifest.json')).toBe(
    `[{"Config":"${configPath(image)}","RepoTags":["${name}"],"Layers":["${base}/layer.tar","${top}/layer.tar"]}]\n`,
  )
  expect(await readText(entries, 'repositories')).toBe(`{"app":{"1":"${top}"}}\n`)
  expect(await readText(entries, `${base}/VERSION`)).toBe('1.0')
  expect(await readText(entries, `${top}/json`)).toBe(legacyLayers(image.configJson)[1]?.json)
  expect(await read(entries, `${base}/layer.tar`)).toEqual(layers[0])
  expect(await read(entries, `${top}/layer.tar`)).toEqual(layers[1])
})

test.each([
  ['2023-11-14T22:13:20.9Z', 1_700_000_000],
  [undefined, 0],
  ['0001-01-01T00:00:00Z', 0],
])('an image created %s has files of that time, the lists are from 1970', (created, seconds) => {
  const { image } = makeImage({ name, config: { created } })
  for (const { path, mtime } of entriesOf([image])) {
    expect([path, mtime]).toEqual([path, ['manifest.json', 'repositories'].includes(path) ? 0 : seconds])
  }
})

test('an image without a name is in no repository', async () => {
  const entries = entriesOf([makeImage().image])
  expect(await readText(entries, 'manifest.json')).toContain('"RepoTags":null')
  expect(entries.map(({ path }) => path)).not.toContain('repositories')
})

test('repositories are sorted, and go by their short names', async () => {
  const images = [
    'ghcr.io/org/app:1',
    'docker.io/org/app:1',
    'docker.io/library/app:2',
    'docker.io/library/app:10',
  ].map((name, i) => makeImage({ name, layers: [tarOf(`${i}`)] }).image)
  const ids = images.map((image) => idsOf(image)[0])
  expect(await readText(entriesOf(images), 'repositories')).toBe(
    `{"app":{"10":"${ids[3]}","2":"${ids[2]}"},"ghcr.io/org/app":{"1":"${ids[0]}"},"org/app":{"1":"${ids[1]}"}}\n`,
  )
})

test('one image under two names is in the archive once', async () => {
  const { image } = makeImage({ name })
  const entries = entriesOf([image, { ...image, name: 'docker.io/library/app:latest' }, image])
  const paths = entries.map(({ path }) => path)
  expect(new Set(paths).size).toBe(paths.length)
  expect(JSON.parse(await readText(entries, 'manifest.json'))).toMatchObject([
    { RepoTags: [name, 'docker.io/library/app:latest'] },
  ])
})

test('images share the layers that they have in common', async () => {
  const one = makeImage({ name, layers: [tarOf('base'), tarOf('middle'), tarOf('one')] }).image
  const two = makeImage({
    name: 'docker.io/library/two:1',
    layers: [tarOf('base'), tarOf('middle'), tarOf('two')],
  }).image
  const entries = entriesOf([one, two])
  const directories = entries.filter(({ type }) => type === 'directory').map(({ path }) => path)
  expect(directories).toHaveLength(4)
  expect(new Set(directories).size).toBe(4)
  const [first, second] = JSON.parse(await readText(entries, 'manifest.json'))
  expect(second.Layers.slice(0, 2)).toEqual(first.Layers.slice(0, 2))
})

test('content that comes again is a link to where it was first, in any image', () => {
  const one = makeImage({ name, layers: [tarOf('a'), tarOf('b'), tarOf('a')] }).image
  const two = makeImage({ layers: [tarOf('b')] }).image
  const links = entriesOf([one, two]).filter((entry) => entry.type === 'symlink')
  const [a, b, again] = idsOf(one)
  expect(links).toEqual([
    { type: 'symlink', path: `${again}/layer.tar`, target: `../${a}/layer.tar`, mtime: 1_700_000_000 },
    {
      type: 'symlink',
      path: `${idsOf(two)[0]}/layer.tar`,
      target: `../${b}/layer.tar`,
      mtime: 1_700_000_000,
    },
  ])
})

test('an image lists its own links, as docker does', async () => {
  const { image } = makeImage({ layers: [tarOf('a'), tarOf('b'), tarOf('a')] })
  const [{ Layers }] = JSON.parse(await readText(entriesOf([image]), 'manifest.json'))
  expect(Layers).toEqual(idsOf(image).map((id) => `${id}/layer.tar`))
})

test('an image lists no link to another image, for podman cannot read it', async () => {
  const base = makeImage({ layers: [tarOf('a'), tarOf('b')] }).image
  const derived = ['c', 'd'].map((top) => makeImage({ layers: [tarOf('a'), tarOf('b'), tarOf(top)] }).image)
  const entries = entriesOf([base, ...derived])
  const links = entries.filter(({ type }) => type === 'symlink').map(({ path }) => path)
  expect(links).toEqual([`${idsOf(derived[0] ?? base)[1]}/layer.tar`])
  const items = JSON.parse(await readText(entries, 'manifest.json'))
  const shared = idsOf(base).map((id) => `${id}/layer.tar`)
  expect(items.map(({ Layers }: { Layers: string[] }) => Layers)).toEqual([
    shared,
    ...derived.map((image) => [...shared, `${idsOf(image)[2]}/layer.tar`]),
  ])
})

test('a layer that is not what its diffID promises is an integrity error', async () => {
  const { image, blobs } = makeImage()
  const [first, second] = image.layers
  if (!first || !second) expect.fail()
  const swapped = { ...image, layers: [{ ...first, diffId: second.diffId }, second] }
  const entries = entriesOf([swapped], blobs)
  await expect(read(entries, `${idsOf(image)[0]}/layer.tar`)).rejects.toMatchObject({ code: 'INTEGRITY' })
})

test.each([
  ['an empty tar, when that is what the diffID names', Buffer.alloc(1024)],
  ['nothing, when that is what the diffID names', Buffer.alloc(0)],
])('a blob without bytes becomes %s', async (_, layer) => {
  const { image, blobs } = makeImage({ layers: [layer], compress: () => Buffer.alloc(0) })
  expect(image.layers[0]?.descriptor.digest).toBe(digestOf(''))
  expect(await read(entriesOf([image], blobs), `${idsOf(image)[0]}/layer.tar`)).toEqual(layer)
})
