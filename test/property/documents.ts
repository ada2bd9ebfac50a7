import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createdSeconds, goTime } from '../../src/archive/created.ts'
import { type GoValue, goJson } from '../../src/archive/go-json.ts'
import { legacyLayers } from '../../src/archive/layer-id.ts'
import { tarHeader } from '../../src/archive/tar.ts'
import { decodeDescriptor } from '../../src/oci/descriptor.ts'
import { digestProblem, parseDigest } from '../../src/oci/digest.ts'
import { refuseDoubtfulKeys } from '../../src/oci/json.ts'
import {
  checkIsImage,
  decodeImageConfig,
  decodeManifest,
  type ImageIndex,
  type ImageManifest,
} from '../../src/oci/manifest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { deepJson, hostileText, json, mutatedJson, repetitive, textLike } from './arbitraries.ts'
import { property, unlessRefused } from './property.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 7 }
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 }

const manifestDocument = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config,
  layers: [layer, { ...layer, urls: ['https://elsewhere.example/'], annotations: { a: 'b' } }],
  annotations: { 'org.opencontainers.image.created': '2024-05-06T07:08:09Z' },
}

const indexDocument = {
  schemaVersion: 2,
  mediaType: mediaTypes.dockerIndex,
  manifests: [
    {
      mediaType: mediaTypes.ociManifest,
      digest,
      size: 3,
      platform: {
        os: 'linux',
        architecture: 'arm64',
        variant: 'v8',
        'os.version': '1',
        'os.features': ['a'],
      },
      annotations: { a: 'b' },
    },
    { mediaType: mediaTypes.dockerIndex, digest, size: 3 },
  ],
}

const configDocument = {
  architecture: 'amd64',
  os: 'linux',
  created: '2024-05-06T07:08:09.123456789Z',
  author: 'me',
  config: {
    Env: ['A=b'],
    Cmd: ['sh'],
    Labels: { a: 'b' },
    ExposedPorts: { '80/tcp': {} },
    Healthcheck: { Test: ['NONE'] },
  },
  history: [{ created_by: 'x', empty_layer: true }],
  rootfs: { type: 'layers', diff_ids: [digest, digest] },
}

const keys = [
  ...[
    'schemaVersion',
    'mediaType',
    'config',
    'layers',
    'manifests',
    'fsLayers',
    'history',
    'digest',
    'size',
    'urls',
  ],
  ...[
    'platform',
    'annotations',
    'os',
    'architecture',
    'rootfs',
    'diff_ids',
    'type',
    'created',
    'Env',
    'Labels',
  ],
]

const values = [
  digest,
  'sha256:../../x',
  2,
  'layers',
  ...Object.values(mediaTypes),
  [layer],
  config,
  2 ** 53 - 1,
]

const contentTypes = fc.oneof(
  fc.constantFrom(
    undefined,
    ...Object.values(mediaTypes),
    'application/json',
    'text/plain',
    `${mediaTypes.ociIndex}; a=b`,
  ),
  hostileText,
)

const anyValue = json(keys, values)

const documentText = (documents: readonly unknown[]) =>
  fc.oneof(
    { weight: 6, arbitrary: mutatedJson(documents, anyValue) },
    { weight: 2, arbitrary: anyValue.map((value) => JSON.stringify(value)) },
    {
      weight: 2,
      arbitrary: textLike(
        documents.map((document) => JSON.stringify(document)),
        ['{', '}', '[', ']', ':', ',', '"', '\\', '"layers":', '"Layers":', '"\\u006cayers":', 'null', '2'],
      ),
    },
    {
      weight: 1,
      arbitrary: deepJson([
        ['[', ']'],
        ['{"layers":', '}'],
        ['{"a":[', ']}'],
      ]),
    },
  )

function checkManifest(found: ImageIndex | ImageManifest): void {
  const descriptors = found.kind === 'index' ? found.manifests : [found.config, ...found.layers]
  assert.ok(descriptors.length <= 1001)
  for (const { digest, size, mediaType, annotations = {}, ...others } of descriptors) {
    assert.equal(digestProblem(digest), undefined)
    assert.ok(Number.isSafeInteger(size) && size >= 0)
    assert.equal(typeof mediaType, 'string')
    for (const value of Object.values(annotations)) assert.equal(typeof value, 'string')
    assert.ok(!('urls' in others))
  }
  if (found.kind === 'manifest') unlessRefused(() => checkIsImage(found))
}

const digests = fc.array(
  fc.nat(5).map((i) => parseDigest(`sha256:${String(i).repeat(64)}`)),
  { maxLength: 6 },
)

const goValue: fc.Arbitrary<GoValue> = fc.letrec<{ value: GoValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(fc.constantFrom(null, true, false), fc.integer(), hostileText),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc
      .array(fc.tuple(hostileText, tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as Readonly<Record<string, GoValue>>),
  ),
})).value

/** Maps as objects. */
function plain(value: GoValue | undefined): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([key, member]) => [key, plain(member)]))
}

const times = textLike(
  ['2024-05-06T07:08:09.123456789+02:00', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
  [...'0159-:.TZ+', '2024-02-30T25:61:61Z'],
)

const paths = textLike(
  [
    'manifest.json',
    `${'a'.repeat(64)}/layer.tar`,
    `blobs/${digest.replace(':', '/')}`,
    `${'0'.repeat(64)}.json`,
  ],
  ['/', '.', '../', 'a', 'blobs/sha512/', '\n', 'json', '\\'],
)

export const documentProperties = [
  property(
    'a manifest or index is what it says it is, every descriptor in it sound, or refused',
    [documentText([manifestDocument, indexDocument]), contentTypes],
    (text, type) => {
      const found = unlessRefused(() => decodeManifest(Buffer.from(text), type))
      if (!found) return
      checkManifest(found)
      const document: Record<string, unknown> = JSON.parse(text)
      assert.equal(document.schemaVersion, 2)
      const other =
        found.kind === 'index'
          ? ['config', 'layers', 'history', 'fsLayers']
          : ['manifests', 'history', 'fsLayers']
      for (const key of other) assert.ok(document[key] === undefined || document[key] === null)
    },
  ),
  property(
    'a document in which a key could be read in two ways is refused',
    [
      fc.constantFrom(manifestDocument, indexDocument),
      fc.constantFrom('layers', 'config', 'manifests', 'mediaType', 'schemaVersion', 'fsLayers', 'history'),
      fc.constantFrom<(key: string) => string>(
        (key) => key,
        (key) => key.toUpperCase(),
        (key) => `${key[0]?.toUpperCase()}${key.slice(1)}`,
        (key) => key.replaceAll('s', 'ſ'),
        (key) =>
          [...key].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
      ),
      fc.boolean(),
      json(keys, values),
    ],
    (document, key, write, atEnd, value) => {
      const rest = JSON.stringify({ ...document, [key]: {} }).slice(1, -1)
      const again = `"${write(key)}":${JSON.stringify(value)}`
      const text = atEnd ? `{${rest},${again}}` : `{${again} ,${rest}}`
      assert.equal(
        unlessRefused(() => decodeManifest(Buffer.from(text), undefined)),
        undefined,
      )
    },
  ),
  property(
    'an object whose keys are all different is not doubted, whatever is in it',
    [fc.dictionary(hostileText, json(['a'], [])), fc.nat(3)],
    (object, indent) => {
      const folded = Object.keys(object).map((key) => key.toUpperCase().toLowerCase())
      if (new Set(folded).size < folded.length) return
      refuseDoubtfulKeys(
        JSON.stringify(object, undefined, indent),
        ['layers'].filter((key) => !folded.includes(key)),
        'it',
      )
    },
  ),
  property(
    'a descriptor has a digest and a size that can be counted in, or is refused',
    [json(keys, values)],
    (value) => {
      const object = { ...layer, ...(value as object) }
      const found = unlessRefused(() => decodeDescriptor(object, 'the layer'))
      if (found)
        assert.ok(Number.isSafeInteger(found.size) && found.size >= 0 && !digestProblem(found.digest))
    },
  ),
  property(
    'no size is taken but a whole number that counts bytes exactly',
    [
      fc.oneof(
        fc.constantFrom(
          '-1',
          '1.5',
          '9007199254740992',
          '9007199254740993',
          '1e999',
          '"7"',
          'null',
          '[7]',
          '4611686018427387904',
          '{}',
          'true',
        ),
        fc.double({ max: -Number.MIN_VALUE, noDefaultInfinity: true, noNaN: true }).map(String),
        fc.double({ min: 2 ** 53, noDefaultInfinity: true, noNaN: true }).map(String),
      ),
    ],
    (size) => {
      const text = `{"mediaType":"a","digest":"${digest}","size":${size}}`
      assert.equal(
        unlessRefused(() => decodeDescriptor(JSON.parse(text), 'it')),
        undefined,
      )
    },
  ),
  property(
    'an image config is one with digests, from which docker archives can be made, or refused',
    [documentText([configDocument])],
    (text) => {
      const found = unlessRefused(() => decodeImageConfig(Buffer.from(text)))
      if (!found) return
      for (const diffId of found.diffIds) assert.equal(digestProblem(diffId), undefined)
      const layers = legacyLayers(found)
      assert.equal(layers.length, found.diffIds.length)
      for (const { id, json } of layers) {
        assert.match(id, /^[0-9a-f]{64}$/)
        assert.equal(JSON.parse(json).id, id)
      }
      assert.ok(createdSeconds(found.created) >= 0)
    },
  ),
  property(
    'the ids of layers depend on what is below them, and on nothing above',
    [digests, digests, anyValue],
    (below, above, value) => {
      const raw = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
      const ids = legacyLayers({ raw, diffIds: [...below, ...above] }).map(({ id }) => id)
      const shorter = legacyLayers({ raw, diffIds: below }).map(({ id }) => id)
      const shared = above.length > 0 ? below.length - 1 : below.length
      assert.deepEqual(ids.slice(0, Math.max(0, shared)), shorter.slice(0, Math.max(0, shared)))
      assert.equal(new Set(ids).size, ids.length)
    },
  ),
  property("Go's JSON is read back as what it was, and needs no escape in a page", [goValue], (value) => {
    const text = goJson(value)
    assert.doesNotMatch(text, /[<>&\u2028\u2029\n]/)
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(plain(value))))
  }),
  property('a time is one that tar and Go can write', [times], (text) => {
    const seconds = createdSeconds(text)
    assert.ok(Number.isSafeInteger(seconds) && seconds >= 0)
    assert.match(goTime(text), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/)
  }),
  property(
    'no path gets into an archive but those that its formats have',
    [
      fc.oneof(paths, hostileText),
      fc.constantFrom('file', 'directory', 'symlink'),
      fc.nat(),
      fc.nat(2 ** 33),
    ],
    async (path, type, mtime, size) => {
      const entry = { type, path, mtime, target: '../a/layer.tar', open: () => assert.fail() } as const
      const header = await tarHeader(entry as never, type === 'file' ? size : 0).catch((error: Error) => {
        assert.match(error.message, /is no path of an archive/)
      })
      if (!header) return
      assert.match(path, /^[a-z0-9./-]+$/i)
      assert.ok(!path.includes('..') && !path.startsWith('/'))
      assert.equal(header.length % 512, 0)
    },
  ),
  property(
    'a document of any length is answered at once',
    [repetitive(['{', '}', '[', ']', '"', '\\', ':', ',', ' ', '"a":', '"layers":', '<', '<title'], 500_000)],
    (text) => {
      unlessRefused(() => decodeManifest(Buffer.from(text), undefined))
      unlessRefused(() => decodeManifest(Buffer.from(`{"a":"${text.replace(/["\\]/g, '')}"}`), undefined))
      unlessRefused(() => decodeImageConfig(Buffer.from(text)))
    },
    { share: 0.3 },
  ),
]
