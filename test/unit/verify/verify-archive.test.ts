import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { verifyArchive } from '../../../src/verify/verify-archive.ts'
import { gzipped, type Item, json, layouts, packItems } from '../../support/archive-layouts.ts'
import { buildImage, buildLayer, layerOf, sha256 } from '../../support/image-builder.ts'

const name = 'registry.example/team/app:1'
const verify = async (items: readonly Item[]) => verifyBytes(await packItems(items))
const verifyBytes = (bytes: Buffer, signal?: AbortSignal) =>
  verifyArchive(Readable.from([bytes], { objectMode: false }), { name: 'x', signal })
const file = (path: string, content: Buffer | string): Item => ({ name: path, content: Buffer.from(content) })
const hex = (bytes: Buffer) => sha256(bytes).slice(7)
const blob = (content: Buffer) => file(`blobs/sha256/${hex(content)}`, content)
const descriptor = (content: Buffer, mediaType: string, more = {}) => ({
  mediaType,
  digest: sha256(content),
  size: content.length,
  ...more,
})
const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
}
const layout = file('oci-layout', '{"imageLayoutVersion":"1.0.0"}')

async function ociImage(architecture: string) {
  const image = buildImage({
    layers: [await buildLayer({ a: architecture })],
    platform: { os: 'linux', architecture },
  })
  const blobs = image.layers.map((layer) => layer.blob)
  const manifest = json({
    schemaVersion: 2,
    config: descriptor(image.config, types.config),
    layers: blobs.map((each) => descriptor(each, types.layer)),
  })
  return { manifest, items: [manifest, image.config, ...blobs].map(blob) }
}

const indexOf = (manifests: readonly object[]) => json({ schemaVersion: 2, manifests })

describe('an index within index.json', () => {
  test('leads to an image for each platform; those of other platforms need not be there', async () => {
    const [one, two, three] = await Promise.all(['amd64', 'arm64', 's390x'].map(ociImage))
    if (!one || !two || !three) throw new Error()
    const index = indexOf([one, two, three].map(({ manifest }) => descriptor(manifest, types.manifest)))
    const top = indexOf([
      descriptor(index, types.index, { annotations: { 'io.containerd.image.name': name } }),
    ])
    const verdict = await verify([layout, file('index.json', top), blob(index), ...one.items, ...two.items])
    expect(verdict).toMatchObject({
      ok: true,
      format: 'oci-layout',
      images: [
        { names: [name], platform: 'linux/amd64' },
        { names: [name], platform: 'linux/arm64' },
      ],
    })
    expect(verdict.engines.find(({ engine }) => engine.startsWith('containerd'))).toMatchObject({
      loads: 'depends',
    })
  })

  test('an image of it that is there in part is broken', async () => {
    const { manifest, items } = await ociImage('amd64')
    const index = indexOf([descriptor(manifest, types.manifest)])
    const top = indexOf([descriptor(index, types.index)])
    const { ok, problems } = await verify([
      layout,
      file('index.json', top),
      blob(index),
      ...items.slice(0, -1),
    ])
    expect(ok).toBe(false)
    expect(problems[0]).toMatchObject({
      place: expect.stringMatching(/^layer 1 of 1, /),
      message: 'is not in the archive',
    })
  })

  test('attestations are checked as blobs, and are no images', async () => {
    const { manifest, items } = await ociImage('amd64')
    const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}')
    const config = json({
      architecture: 'unknown',
      os: 'unknown',
      rootfs: { type: 'layers', diff_ids: [sha256(statement)] },
    })
    const attestation = json({
      schemaVersion: 2,
      config: descriptor(config, types.config),
      layers: [descriptor(statement, 'application/vnd.in-toto+json')],
    })
    const top = indexOf([manifest, attestation].map((each) => descriptor(each, types.manifest)))
    const all = [layout, file('index.json', top), ...items, blob(attestation), blob(config)]
    expect(await verify([...all, blob(statement)])).toMatchObject({
      ok: true,
      images: [{ platform: 'linux/amd64' }],
    })
    const bad = { ...blob(statement), content: Buffer.from('other') }
    expect((await verify([...all, bad])).problems[0]?.place).toMatch(/^layer 1 of 1, /)
  })
})

test('sha512 is checked like sha256', async () => {
  const layer = await buildLayer({ a: 'x' })
  const sha512 = (bytes: Buffer) => createHash('sha512').update(bytes).digest('hex')
  const image = buildImage({ layers: [layer] })
  const descriptorOf = (bytes: Buffer, mediaType: string) => ({
    ...descriptor(bytes, mediaType),
    digest: `sha512:${sha512(bytes)}`,
  })
  const manifest = json({
    schemaVersion: 2,
    config: descriptorOf(image.config, types.config),
    layers: [descriptorOf(layer.blob, types.layer)],
  })
  const top = indexOf([descriptorOf(manifest, types.manifest)])
  const items = [
    layout,
    file('index.json', top),
    ...[manifest, image.config].map((each) => file(`blobs/sha512/${sha512(each)}`, each)),
  ]
  const path = `blobs/sha512/${sha512(layer.blob)}`
  expect(await verify([...items, file(path, layer.blob)])).toMatchObject({ ok: true })
  const { problems } = await verify([...items, file(path, 'other')])
  expect(problems[0]?.message).toMatch(/its content has the digest sha512:.*; it has 5 bytes, not /)
})

test.each([
  ['xz', Buffer.from('fd377a585a00', 'hex')],
  ['bzip2', Buffer.from('425a68', 'hex')],
])('a layer in %s cannot be checked, which is said', async (compression, magic) => {
  const layer = { ...layerOf(Buffer.alloc(1024)), blob: Buffer.concat([magic, Buffer.alloc(500)]) }
  const { ok, problems } = await verify(layouts.crane(buildImage({ layers: [layer] }), name))
  expect(ok).toBe(false)
  expect(problems).toEqual([
    {
      kind: 'unreadable',
      place: expect.stringMatching(/^layer 1 of 1, /),
      message: `is compressed with ${compression}, which dray does not read: what is in it was not checked`,
    },
  ])
})

test('an archive of docker before 1.10 is named, and that it has no digests', async () => {
  const id = 'd'.repeat(64)
  const items = [
    file(`${id}/VERSION`, '1.0'),
    file(`${id}/json`, json({ id })),
    file(`${id}/layer.tar`, 'x'),
    file('repositories', json({ app: { 1: id } })),
  ]
  expect(await verify(items)).toMatchObject({
    ok: true,
    format: 'legacy',
    warnings: ['docker before 1.10 wrote no digests: of app:1, nothing could be compared'],
  })
  const { problems } = await verify(items.filter((item) => !item.name.endsWith('layer.tar')))
  expect(problems).toEqual([{ kind: 'broken', place: `${id}/layer.tar`, message: 'is not in the archive' }])
})

test('manifest.json that leads to another image than index.json is worth a warning', async () => {
  const [one, two] = [await buildLayer({ a: '1' }), await buildLayer({ a: '2' })].map((layer) =>
    buildImage({ layers: [layer] }),
  )
  if (!one || !two) throw new Error()
  const other = layouts
    .buildx(two, name)
    .filter((item) => item.name === 'manifest.json' || item.name.startsWith('blobs/sha'))
  const items = layouts.buildx(one, name).filter((item) => item.name !== 'manifest.json')
  const { ok, warnings } = await verify([...items, ...other.filter((item) => item.type !== 'directory')])
  expect(ok).toBe(true)
  expect(warnings).toEqual([expect.stringMatching(/index\.json does not lead to the image .*team\/app:1/)])
})

test('a layer that was packed once more is not what it is called after', async () => {
  const image = buildImage({ layers: [await buildLayer({ a: 'x' })] })
  const again = gzipSync(image.layers[0]?.tar ?? '', { level: 9 })
  const items = layouts
    .crane(image, name)
    .map((item) => (item.name.endsWith('.gz') ? { ...item, content: again } : item))
  const { problems } = await verify(items)
  expect(problems).toMatchObject([
    {
      place: expect.stringMatching(/^layer 1 of 1, /),
      message: expect.stringContaining('not what it is called after'),
    },
  ])
})

test('LayerSources in manifest.json have to agree with the layers', async () => {
  const items = layouts.docker25(buildImage({ layers: [await buildLayer({ a: 'x' })] }), name)
  const edited = items.map((item) =>
    item.name === 'manifest.json'
      ? { ...item, content: Buffer.from(String(item.content).replace(/"size":\d+/, '"size":7')) }
      : item,
  )
  const { problems } = await verify(edited)
  expect(problems).toMatchObject([
    {
      place: expect.stringMatching(/^layer 1 of 1, /),
      message: expect.stringMatching(/bytes, not 7 \(as LayerSources/),
    },
  ])
})

test('at most twenty problems are listed, and the others counted', async () => {
  const items = Array.from({ length: 30 }, (_, i) => file(`../${i}`, ''))
  const { problems, moreProblems } = await verify(items)
  expect(problems).toHaveLength(20)
  expect(moreProblems).toBe(11)
})

test('an entry twice with the same content is a warning', async () => {
  const items = layouts.docker24(buildImage({ layers: [await buildLayer({ a: '' })] }), name)
  const { ok, warnings } = await verify([...items, ...items.filter((item) => item.name === 'manifest.json')])
  expect({ ok, warnings }).toEqual({
    ok: true,
    warnings: ['"manifest.json" is in the archive twice, with the same content'],
  })
})

test('a document that is too large is said to be', async () => {
  const large = json([{ Config: 'x', Layers: [], comment: 'y'.repeat(5_000_000) }])
  const { problems } = await verify([file('manifest.json', large)])
  expect(problems[0]).toMatchObject({
    kind: 'unreadable',
    place: 'manifest.json',
    message: expect.stringContaining('4194304'),
  })
})

test('a layer in gzip that does not unpack is broken, whatever its digest is', async () => {
  const tar = Buffer.alloc(10_240, 'x')
  const layer = { ...layerOf(tar), blob: gzipped(tar).subarray(0, 40) }
  const { problems } = await verify(layouts.crane(buildImage({ layers: [layer] }), name))
  expect(problems[0]).toMatchObject({
    kind: 'broken',
    message: expect.stringContaining('does not decompress'),
  })
})

describe('what follows the compressed data, which engines take for more of it', () => {
  const tails: readonly (readonly [string, Buffer])[] = [
    ['a zero', Buffer.alloc(1)],
    ['a block of zeros', Buffer.alloc(512)],
    ['a mebibyte of zeros', Buffer.alloc(2 ** 20)],
    ['zeros and words', Buffer.from('\0\0\0\0garbage')],
    ['words', Buffer.from('garbage')],
  ]

  test.each(tails)('after a layer in gzip is broken: %s', async (_, tail) => {
    const layer = await buildLayer({ a: 'x' })
    const blob = Buffer.concat([layer.blob, tail])
    const image = buildImage({ layers: [{ ...layer, blob, digest: sha256(blob) }] })
    for (const layout of ['crane', 'buildx', 'ociArchive'] as const) {
      const { ok, problems, engines } = await verify(layouts[layout](image, name))
      expect({ ok, problems, engines }).toEqual({
        ok: false,
        problems: [
          {
            kind: 'broken',
            place: expect.stringMatching(/^layer 1 of 1, /),
            message: 'it is corrupt: something follows its gzip data',
          },
        ],
        engines: [],
      })
    }
  })

  test.each(tails)('after an archive in gzip is broken: %s', async (_, tail) => {
    const items = layouts.docker24(buildImage({ layers: [await buildLayer({ a: 'x' })] }), name)
    const packed = gzipped(await packItems(items))
    const { ok, problems } = await verifyBytes(Buffer.concat([packed, tail]))
    expect(ok).toBe(false)
    expect(problems[0]).toEqual({
      kind: 'broken',
      place: expect.stringMatching(/^near byte \d+$/),
      message: 'the archive is corrupt: something follows its gzip data',
    })
  })

  test('is a part of it when it is a member: both are unpacked', async () => {
    const layer = await buildLayer({ a: 'x' })
    const half = layer.tar.length / 2
    const blob = Buffer.concat([
      gzipped(layer.tar.subarray(0, half)),
      gzipped(Buffer.alloc(0)),
      gzipped(layer.tar.subarray(half)),
    ])
    const image = buildImage({ layers: [{ ...layer, blob, digest: sha256(blob) }] })
    expect(await verify(layouts.crane(image, name))).toMatchObject({ ok: true, problems: [] })
  })
})

test.each(['Config', 'Layers'])(
  'a path with signs that would steer a terminal is quoted: %s',
  async (key) => {
    const image = buildImage({ layers: [await buildLayer({ a: 'x' })] })
    const evil = '\u001b[2J\u009b\u202e\n'
    const items = layouts.docker24(image, name).map((item) => {
      if (item.name !== 'manifest.json') return item
      const [entry] = JSON.parse(String(item.content))
      return file('manifest.json', json([{ ...entry, [key]: key === 'Layers' ? [evil] : evil }]))
    })
    const { problems } = await verify(items)
    expect(problems[0]?.place).toContain('[2J')
    for (const { place, message } of problems) expect(place + message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  },
)

test('what cannot be read is thrown, as is an interruption', async () => {
  const failing = new Readable({
    read() {
      this.destroy(Object.assign(new Error('EIO'), { code: 'EIO' }))
    },
  })
  await expect(verifyArchive(failing, { name: 'x' })).rejects.toMatchObject({ code: 'FILE' })

  const missing = createReadStream('/none.tar')
  const signal = AbortSignal.abort(new Error('never mind'))
  await expect(verifyArchive(missing, { name: 'x', signal })).rejects.toThrow('never mind')
  expect(missing.destroyed).toBe(true)

  const stopped = new AbortController()
  const endless = Readable.from(
    (async function* () {
      yield (await packItems([file('a', Buffer.alloc(10_000))])).subarray(0, 2000)
      stopped.abort(new Error('enough'))
      await new Promise(() => {})
    })(),
    { objectMode: false },
  )
  await expect(verifyArchive(endless, { name: 'x', signal: stopped.signal })).rejects.toThrow('enough')
})
