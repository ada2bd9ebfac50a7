import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { kindOfName } from '../../../src/verify/image-names.ts'
import type { Verdict } from '../../../src/verify/verdict.ts'
import { verifyArchive } from '../../../src/verify/verify-archive.ts'
import { gzipped, type Item, layouts, packItems } from '../../support/archive-layouts.ts'
import { type BuiltImage, buildImage, buildLayer, type ImageRecipe } from '../../support/image-builder.ts'

const full = 'registry.example/team/app:1'

const imageOf = async (recipe: Partial<ImageRecipe> = {}) =>
  buildImage({ layers: [await buildLayer({ a: 'one' }), await buildLayer({ b: 'two' })], ...recipe })

const docker = async (name = full, image?: BuiltImage) => layouts.docker24(image ?? (await imageOf()), name)
const skopeo = async () => layouts.skopeo(await imageOf(), full)
const oci = async (name = full) => layouts.ociArchive(await imageOf(), name)

const edit = (items: readonly Item[], name: string, change: (text: string) => string): readonly Item[] =>
  items.map((item) =>
    item.name === name ? { ...item, content: Buffer.from(change(String(item.content))) } : item,
  )

const verify = async (items: readonly Item[], pack = (bytes: Buffer) => bytes): Promise<Verdict> =>
  verifyArchive(Readable.from([pack(await packItems(items))], { objectMode: false }), { name: 'x' })

/** `docker24=no …` for each engine that does not simply load it. */
const short = ['docker24', 'docker25', 'podman', 'containerd', 'skopeo']
const outcome = ({ engines }: Verdict) =>
  engines.flatMap(({ loads, reasons }, i) =>
    loads === 'yes' && reasons.length === 0 ? [] : [`${short[i]}=${loads}: ${reasons.join('; ')}`],
  )

describe('who loads an archive', () => {
  test.each<[string, () => Promise<readonly Item[]>, readonly RegExp[]]>([
    ['of docker save, with full names', docker, []],
    ['of docker save from 25 on', async () => layouts.docker25(await imageOf(), full), []],
    ['of buildx', async () => layouts.buildx(await imageOf(), full), []],
    ['of skopeo', skopeo, []],
    ['of crane', async () => layouts.crane(await imageOf(), full), []],
    [
      'an image layout alone',
      oci,
      [/docker24=no: .*manifest\.json/, /docker25=depends: .*containerd image store/],
    ],
    [
      'an image layout without its mark',
      async () => (await oci()).filter(({ name }) => name !== 'oci-layout'),
      [/docker24=no/, /docker25=no/, /containerd=no: .*oci-layout/],
    ],
    ['a short name', () => docker('app:1'), [/podman=yes: it calls app:1 localhost\/app:1/]],
    [
      'a name without a tag',
      async () => edit(await docker(), 'manifest.json', (text) => text.replace(':1"', '"')),
      [/docker24=no: .*no tag/, /docker25=depends/, /podman=no/],
    ],
    [
      'a name with a digest',
      async () =>
        edit(await docker(), 'manifest.json', (text) => text.replace(':1"', `@sha256:${'a'.repeat(64)}"`)),
      [/docker24=no: .*digest/, /docker25=depends/, /podman=no/, /containerd=yes: .*digest/],
    ],
    [
      'a name in capitals',
      () => docker('registry.example/App:1'),
      [/docker24=no: registry\.example\/App:1 is no name/, /docker25=no/, /podman=no/, /containerd=no/],
    ],
    [
      'no name',
      async () => edit(await docker(), 'manifest.json', (text) => text.replace(/\["[^"]*"\]/, 'null')),
      [/docker24=yes: .*id only/, /docker25=yes/, /podman=yes/, /containerd=depends: .*--digests/],
    ],
    [
      'a tag alone',
      () => oci('1'),
      [
        /docker24=no/,
        /docker25=depends/,
        /podman=yes: it calls the image localhost\/1:latest/,
        /containerd=yes: it calls the image import-DATE:1/,
      ],
    ],
    [
      'hard links',
      async () => (await skopeo()).map((item) => (item.type === 'symlink' ? hardLink(item) : item)),
      [/docker25=depends: containerd follows no hard links/, /containerd=no/],
    ],
    [
      'absolute links',
      async () => (await skopeo()).map((item) => (item.type === 'symlink' ? absolute(item) : item)),
      [/docker25=depends/, /containerd=no: .*absolute links/],
    ],
    [
      'names that begin with ./ and links',
      async () => (await skopeo()).map((item) => ({ ...item, name: `./${item.name}` })),
      [/docker25=depends/, /containerd=no: .*\.\//],
    ],
    [
      'a layer that is a link to a file that is not listed',
      async () =>
        edit(await skopeo(), 'manifest.json', (text) =>
          text.replace(/"Layers":\["[0-9a-f]{64}\.tar"/, () => `"Layers":["${firstLink}"`),
        ),
      [/podman=no: a layer is a link/, /skopeo=no/],
    ],
    [
      'a history that is too long',
      async () => docker(full, await imageOf({ config: { history: [{}, {}, {}, { empty_layer: true }] } })),
      [/docker24=no: the history/, /docker25=no/],
    ],
    [
      'no platform',
      async () => docker(full, await imageOf({ platform: { os: '', architecture: '' } })),
      [/containerd=no: .*platform/],
    ],
    [
      'an image for Windows',
      async () => docker(full, await imageOf({ platform: { os: 'windows', architecture: 'amd64' } })),
      [/docker24=depends: .*Windows/, /docker25=depends/],
    ],
  ])('%s', async (_, items, expected) => {
    const verdict = await verify(await items())
    expect(verdict.problems).toEqual([])
    expect(outcome(verdict)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  })

  test('in gzip', async () => {
    const verdict = await verify(await docker(), gzipped)
    expect(outcome(verdict)).toEqual([
      expect.stringMatching(/^podman=depends: .*gzip/),
      expect.stringMatching(/^containerd=depends: before 2/),
      expect.stringMatching(/^skopeo=depends/),
    ])
  })

  test('in zstd', async () => {
    const verdict = await verify(await docker(), zstd)
    expect(outcome(verdict)).toEqual([
      expect.stringMatching(/^docker24=depends: before 23 .*zstd/),
      expect.stringMatching(/^containerd=depends/),
    ])
  })

  test('nobody, where something is broken', async () => {
    const { ok, engines } = await verify(edit(await docker(), 'manifest.json', () => '{}'))
    expect({ ok, engines }).toEqual({ ok: false, engines: [] })
  })
})

/** Where layouts.skopeo links to the lowest layer from. */
const firstLink = `${createHash('sha256').update('skopeo 0').digest('hex')}/layer.tar`

/** A frame whose blocks are stored as they are. */
function zstd(bytes: Buffer): Buffer {
  const header = Buffer.from('28b52ffd80580000000000', 'hex').subarray(0, 10)
  header.writeUInt32LE(bytes.length, 6)
  const starts = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, i) => i * 1000)
  const blocks = starts.flatMap((start) => {
    const block = bytes.subarray(start, start + 1000)
    const blockHeader = Buffer.alloc(3)
    blockHeader.writeUIntLE((block.length << 3) | (start + 1000 >= bytes.length ? 1 : 0), 0, 3)
    return [blockHeader, block]
  })
  return Buffer.concat([header, ...blocks])
}

const hardLink = (item: Item): Item => ({
  ...item,
  type: 'link',
  linkname: item.linkname?.replace('../', '') ?? '',
})
const absolute = (item: Item): Item => ({ ...item, linkname: item.linkname?.replace('..', '') ?? '' })

test.each([
  ['docker.io/library/nginx:1', 'full'],
  ['localhost/x:1', 'full'],
  ['host:5000/x:1', 'full'],
  ['nginx:1', 'short'],
  ['team/app:1', 'short'],
  ['nginx', 'untagged'],
  ['host:5000/x', 'untagged'],
  [`nginx:1@sha256:${'a'.repeat(64)}`, 'digest'],
  ['[::1]:5000/x:1', 'IPv6'],
  ['Nginx:1', 'invalid'],
  ['nginx:!', 'invalid'],
  ['', 'invalid'],
] as const)('%s is a name of the kind %s', (name, kind) => {
  expect(kindOfName(name)).toBe(kind)
})
