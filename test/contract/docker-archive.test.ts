import { expect, test } from 'vitest'
import { pull } from '../../src/pull.ts'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { jsonEntry, readArchive } from '../support/read-archive.ts'
import { registry } from '../support/registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

async function sampleImage() {
  const base = await buildLayer({ 'etc/': '', 'etc/hostname': 'base\n' })
  const plain = await buildLayer({ 'plain.txt': 'not compressed' }, { compression: 'none' })
  return buildImage({ layers: [base, plain, base] })
}

test('a pulled archive holds the config as served and every layer uncompressed, under the name that was typed', async () => {
  const content = createContent()
  const image = await sampleImage()
  addImage(content, image, 'team/app:1.2')
  const server = await serveDuringTest(registry(content))

  const { path, result } = await pullFrom(server, 'team/app:1.2')

  const entries = await readArchive(path)
  const [item] = jsonEntry(entries, 'manifest.json')
  expect(item.RepoTags).toEqual([`${server.host}/team/app:1.2`])
  expect(entries.get(item.Config)?.bytes).toEqual(image.config)
  expect(`sha256:${item.Config.replace('.json', '')}`).toBe(image.configDigest)
  expect(item.Layers).toHaveLength(3)
  expect(sha256(entries.get(item.Layers[0])?.bytes ?? '')).toBe(image.layers[0]?.diffId)
  expect(sha256(entries.get(item.Layers[1])?.bytes ?? '')).toBe(image.layers[1]?.diffId)
  expect(result).toMatchObject({
    path,
    format: 'docker',
    images: [
      { digest: image.digest, imageId: image.configDigest, layers: 3, name: `${server.host}/team/app:1.2` },
    ],
  })
})

test('a layer that comes twice is stored once; the second place links to the first, as docker save has it', async () => {
  const content = createContent()
  addImage(content, await sampleImage(), 'app:1')
  const { path } = await pullFrom(await serveDuringTest(registry(content)), 'app:1')

  const entries = await readArchive(path)
  const [item] = jsonEntry(entries, 'manifest.json')
  const [first, , third] = item.Layers
  expect(entries.get(third)?.header).toMatchObject({ type: 'symlink', linkname: `../${first}` })
})

test('layers lie side by side with the VERSION and json that docker save writes', async () => {
  const content = createContent()
  addImage(content, await sampleImage(), 'app:1')
  const server = await serveDuringTest(registry(content))
  const { path } = await pullFrom(server, 'app:1')

  const entries = await readArchive(path)
  const [item] = jsonEntry(entries, 'manifest.json')
  const ids = item.Layers.map((layer: string) => layer.replace('/layer.tar', ''))
  for (const [i, id] of ids.entries()) {
    expect(entries.get(`${id}/VERSION`)?.bytes.toString()).toBe('1.0')
    expect(jsonEntry(entries, `${id}/json`)).toMatchObject({ id, ...(i > 0 && { parent: ids[i - 1] }) })
  }
  expect(jsonEntry(entries, 'repositories')).toEqual({ [`${server.host}/app`]: { 1: ids[2] } })
})

test('a pull by digest stores no name, unless one is given', async () => {
  const content = createContent()
  const image = await sampleImage()
  addImage(content, image)
  const server = await serveDuringTest(registry(content))

  const nameless = await readArchive((await pullFrom(server, `app@${image.digest}`)).path)
  expect(jsonEntry(nameless, 'manifest.json')[0].RepoTags).toBeNull()
  expect(nameless.has('repositories')).toBe(false)

  const named = await readArchive((await pullFrom(server, `app@${image.digest}`, { name: 'mine:7' })).path)
  expect(jsonEntry(named, 'manifest.json')[0].RepoTags).toEqual(['docker.io/library/mine:7'])
})

test('name:tag@digest pulls the digest and keeps the tag for the archive', async () => {
  const content = createContent()
  const wanted = await sampleImage()
  addImage(content, wanted)
  addImage(content, buildImage({ layers: [await buildLayer({ other: '' })] }), 'app:1')
  const server = await serveDuringTest(registry(content))

  const { path, result } = await pullFrom(server, `app:1@${wanted.digest}`)

  expect(result.images[0]?.digest).toBe(wanted.digest)
  expect(jsonEntry(await readArchive(path), 'manifest.json')[0].RepoTags).toEqual([`${server.host}/app:1`])
  expect(server.requests.some(({ url }) => url.endsWith('/manifests/1'))).toBe(false)
})

test('several images share one archive, their common layers fetched and stored once', async () => {
  const content = createContent()
  const base = await buildLayer({ base: 'shared' })
  const one = buildImage({ layers: [base, await buildLayer({ one: '1' })] })
  const two = buildImage({ layers: [base, await buildLayer({ two: '2' })] })
  addImage(content, one, 'app:one')
  addImage(content, two, 'app:two')
  const server = await serveDuringTest(registry(content))

  const { path } = await pull([`${server.host}/app:one`, `${server.host}/app:two`], {
    output: `${temporaryDirectory()}/`,
  })

  expect(path).toMatch(/[/\\]images\.tar$/)
  const entries = await readArchive(path)
  expect(jsonEntry(entries, 'manifest.json').map((item: { RepoTags: string[] }) => item.RepoTags)).toEqual([
    [`${server.host}/app:one`],
    [`${server.host}/app:two`],
  ])
  expect(server.requests.filter(({ url }) => url.endsWith(base.digest))).toHaveLength(1)
  const stored = [...entries.values()].filter(
    ({ header }) => header.name.endsWith('layer.tar') && header.type === 'file',
  )
  expect(stored).toHaveLength(3)
})
