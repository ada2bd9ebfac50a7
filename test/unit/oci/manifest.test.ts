import { describe, expect, test } from 'vitest'
import {
  checkIsImage,
  decodeImageConfig,
  decodeManifest,
  type ImageManifest,
} from '../../../src/oci/manifest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'

const { ociIndex, ociManifest, ociConfig, dockerIndex, dockerManifest, dockerConfig } = mediaTypes
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`
const config = { mediaType: ociConfig, digest: digest(1), size: 10 }
const layer = { mediaType: layerType, digest: digest(2), size: 20 }
const entry = {
  mediaType: ociManifest,
  digest: digest(3),
  size: 30,
  platform: { os: 'linux', architecture: 'amd64' },
}
const manifest = { schemaVersion: 2, mediaType: ociManifest, config, layers: [layer] }
const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [entry] }

const bytes = (document: unknown) =>
  new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document))
const decode = (document: unknown, contentType?: string) => decodeManifest(bytes(document), contentType)
const without = (document: object, ...keys: string[]) =>
  Object.fromEntries(Object.entries(document).filter(([key]) => !keys.includes(key)))
const failure = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

describe('decodeManifest', () => {
  test('reads an image manifest', () => {
    expect(decode(manifest, ociManifest)).toEqual({
      kind: 'manifest',
      mediaType: ociManifest,
      config,
      layers: [layer],
    })
  })

  test('reads an index', () => {
    expect(decode(index, ociIndex)).toEqual({ kind: 'index', mediaType: ociIndex, manifests: [entry] })
  })

  test("reads Docker's names for the same things", () => {
    expect(decode({ ...manifest, mediaType: dockerManifest }, dockerManifest)).toMatchObject({
      kind: 'manifest',
      mediaType: dockerManifest,
    })
    expect(decode({ ...index, mediaType: dockerIndex }, dockerIndex)).toMatchObject({
      kind: 'index',
      mediaType: dockerIndex,
    })
  })

  test.each([undefined, '', 'application/json', 'text/plain; charset=utf-8', 'application/octet-stream'])(
    'goes by the document when the server says %s',
    (contentType) => {
      expect(decode(manifest, contentType)).toMatchObject({ kind: 'manifest', mediaType: ociManifest })
      expect(decode({ ...index, mediaType: dockerIndex }, contentType)).toMatchObject({
        mediaType: dockerIndex,
      })
      expect(decode(without(manifest, 'mediaType'), contentType)).toMatchObject({ mediaType: ociManifest })
      expect(decode(without(index, 'mediaType'), contentType)).toMatchObject({ mediaType: ociIndex })
    },
  )

  test('goes by the server when the document says nothing', () => {
    expect(decode(without(manifest, 'mediaType'), dockerManifest)).toMatchObject({
      mediaType: dockerManifest,
    })
    expect(decode(without(index, 'mediaType'), `${dockerIndex}; charset=utf-8`)).toMatchObject({
      mediaType: dockerIndex,
    })
  })

  test('passes over entries of an index that are for other readers', () => {
    const strange = { mediaType: 'application/vnd.example', digest: 'blake3:00', size: -1 }
    const nested = { ...entry, mediaType: dockerIndex }
    const untyped = without(entry, 'mediaType')
    expect(decode({ ...index, manifests: [strange, nested, untyped, entry] })).toMatchObject({
      manifests: [nested, entry],
    })
  })

  test.each([
    ['both an index and an image', { ...manifest, manifests: [entry] }, ociManifest],
    ['both an image and an index', { ...index, layers: [layer] }, ociIndex],
    ['an index with a config', { ...index, config }, ociIndex],
    ['an image with an empty list of manifests', { ...manifest, manifests: [] }, ociManifest],
    [
      'an untyped document that could be either',
      { schemaVersion: 2, config, layers: [layer], manifests: [entry] },
      undefined,
    ],
    ['an index with the history of a schema 1 image', { ...index, history: [] }, ociIndex],
    ['an image with the history of a schema 1 image', { ...manifest, history: [] }, ociManifest],
  ])('refuses %s', (_, document, contentType) => {
    expect(() => decode(document, contentType)).toThrow(failure('INTEGRITY', 'ambiguous'))
  })

  test.each([
    ['index served as an image', index, ociManifest],
    ['image served as an index', manifest, ociIndex],
    ["OCI image served under Docker's name", manifest, dockerManifest],
  ])('refuses an %s', (_, document, contentType) => {
    expect(() => decode(document, contentType)).toThrow(failure('INTEGRITY', 'but calls itself'))
  })

  test.each([
    ['{"schemaVersion":2,"layers":[],"layers":[]}', 'the key "layers" twice'],
    ['{"schemaVersion":2,"Layers":[]}', '"Layers" where "layers" belongs'],
    ['{"schemaVersion":2,"Manifests":[]}', '"Manifests" where "manifests" belongs'],
    ['{"schemaVersion":2,"FSLayers":[]}', '"FSLayers" where "fsLayers" belongs'],
    ['{"schemaVersion":2,"mediatype":""}', '"mediatype" where "mediaType" belongs'],
  ])('refuses %s, which others may read differently', (document, message) => {
    expect(() => decode(document)).toThrow(failure('INTEGRITY', message))
  })

  test.each([
    ['', 'is not valid JSON'],
    ['{', 'is not valid JSON'],
    ['[]', 'must be a JSON object'],
    ['{}', 'neither an image manifest nor an index'],
    ['{"errors":[]}', 'neither an image manifest nor an index'],
    ['{"__proto__":{"layers":[]}}', 'neither an image manifest nor an index'],
    [without(manifest, 'schemaVersion'), 'must have schemaVersion 2'],
    [{ ...manifest, schemaVersion: '2' }, 'must have schemaVersion 2'],
    [{ ...manifest, schemaVersion: 3 }, 'must have schemaVersion 2'],
    [{ ...manifest, mediaType: 2 }, 'mediaType of the manifest must be a string'],
    [{ ...manifest, config: [] }, 'the config in the manifest must be a JSON object'],
    [without(manifest, 'config'), 'the config in the manifest must be a JSON object'],
    [without(manifest, 'layers'), 'layers of the manifest must be a JSON array'],
    [{ ...manifest, layers: { 0: layer } }, 'layers of the manifest must be a JSON array'],
    [{ ...manifest, layers: [layer, null] }, 'layer 2 must be a JSON object'],
    [{ ...manifest, layers: [{ ...layer, size: '20' }] }, 'size of layer 1 must be'],
    [{ ...manifest, layers: [{ ...layer, digest: 'sha256:..' }] }, 'is no digest'],
    [{ ...index, manifests: {} }, 'manifests of the index must be a JSON array'],
    [{ ...index, manifests: ['x'] }, 'an entry of the index must be a JSON object'],
    [{ ...index, manifests: [{ ...entry, size: -1 }] }, 'size of an entry of the index'],
  ])('refuses %j', (document, message) => {
    expect(() => decode(document)).toThrow(failure('INTEGRITY', message))
  })

  test.each([
    [
      { schemaVersion: 1, fsLayers: [], history: [] },
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
    ],
    [{ schemaVersion: 1, name: 'x' }, 'application/json'],
    [{ name: 'x' }, 'application/vnd.docker.distribution.manifest.v1+json'],
    [{ schemaVersion: 2, fsLayers: [], mediaType: dockerManifest }, dockerManifest],
  ])('says that schema 1 is too old: %j', (document, contentType) => {
    expect(() => decode(document, contentType)).toThrow(failure('UNSUPPORTED', 'schema 1'))
  })

  test('names the type of what is neither image nor index', () => {
    const artifact = { mediaType: 'application/vnd.oci.artifact.manifest.v1+json', schemaVersion: 2 }
    expect(() => decode(artifact, artifact.mediaType)).toThrow(
      failure('UNSUPPORTED', `"${artifact.mediaType}"`),
    )
    expect(() => decode({ ...artifact, mediaType: '\x1b[2J\u202e' })).toThrow(
      failure('UNSUPPORTED', '"\\u001b[2J\\u{202e}"'),
    )
  })

  test.each([
    ['<!DOCTYPE html><html><head><title>\n Log in </title>', undefined, 'a web page titled "Log in" came'],
    [' \r\n<html>', 'application/json', 'a web page came instead of registry data'],
    ['', 'text/html; charset=utf-8', 'a web page came instead of registry data'],
    ['<title>\x1b[31m', 'text/html', 'a web page came'],
  ])('says that a web page came: %j', (document, contentType, message) => {
    expect(() => decode(document, contentType)).toThrow(failure('NETWORK', message))
  })

  test('takes as many entries and layers as anyone has, and no flood', () => {
    expect(decode({ ...index, manifests: Array(1000).fill(entry) })).toMatchObject({ kind: 'index' })
    expect(decode({ ...manifest, layers: Array(500).fill(layer) })).toMatchObject({ kind: 'manifest' })
    expect(() => decode({ ...index, manifests: Array(1001).fill(entry) })).toThrow(
      failure('UNSUPPORTED', 'at most 1000'),
    )
    expect(() => decode({ ...manifest, layers: Array(501).fill(layer) })).toThrow(
      failure('UNSUPPORTED', 'at most 500'),
    )
  })
})

describe('checkIsImage', () => {
  const image = (configType: string, ...layerTypes: string[]): ImageManifest => {
    const layers = layerTypes.map((mediaType) => ({ ...layer, mediaType }))
    const decoded = decode({ ...manifest, config: { ...config, mediaType: configType }, layers })
    if (decoded.kind === 'manifest') return decoded
    throw new Error('not a manifest')
  }

  test.each([
    [ociConfig, [layerType, layerType]],
    [dockerConfig, ['application/vnd.docker.image.rootfs.diff.tar.gzip']],
    ['', ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip']],
    ['text/html', ['application/vnd.oci.image.layer.v1.tar+zstd']],
  ])('takes an image with a config of type "%s" and layers %j', (configType, layerTypes) => {
    expect(() => checkIsImage(image(configType, ...layerTypes))).not.toThrow()
  })

  test.each([
    ['application/vnd.docker.plugin.v1+json', [layerType], 'it is a docker plugin'],
    ['application/vnd.cncf.helm.config.v1+json', [layerType], '"application/vnd.cncf.helm.config.v1+json"'],
    ['application/vnd.oci.empty.v1+json', [layerType], '"application/vnd.oci.empty.v1+json"'],
    [ociConfig, [], 'it has no layers'],
    [ociConfig, [layerType, `${layerType}+encrypted`], 'the layers are encrypted'],
    [
      ociConfig,
      [layerType, 'application/vnd.in-toto+json'],
      'a layer is of type "application/vnd.in-toto+json"',
    ],
    [ociConfig, [''], 'a layer is of type ""'],
  ])('refuses a config of type %s with layers %j', (configType, layerTypes, message) => {
    expect(() => checkIsImage(image(configType, ...layerTypes))).toThrow(failure('UNSUPPORTED', message))
  })
})

describe('decodeImageConfig', () => {
  const document = {
    os: 'linux',
    architecture: 'arm64',
    variant: 'v8',
    created: '2024-01-02T03:04:05.6Z',
    rootfs: { type: 'layers', diff_ids: [digest(1), digest(2), digest(1)] },
    config: { Labels: { é: '<&>' } },
  }

  test('reads what dray needs and keeps the rest', () => {
    expect(decodeImageConfig(bytes(document))).toEqual({
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      created: '2024-01-02T03:04:05.6Z',
      diffIds: [digest(1), digest(2), digest(1)],
      raw: document,
    })
  })

  test('takes a config that says neither when nor for what it was made', () => {
    const { platform, created } = decodeImageConfig(
      bytes({ ...without(document, 'os', 'architecture'), created: null }),
    )
    expect(platform).toEqual({ os: 'unknown', architecture: 'unknown' })
    expect(created).toBeUndefined()
  })

  test.each([
    ['nonsense', 'the image config is not valid JSON'],
    ['null', 'the image config must be a JSON object'],
    [{}, 'rootfs of the image config must be a JSON object'],
    [{ ...document, rootfs: { diff_ids: [] } }, 'the image config must have rootfs.type "layers"'],
    [{ ...document, rootfs: { type: 'layers' } }, 'rootfs.diff_ids of the image config must be a JSON array'],
    [{ ...document, rootfs: { type: 'layers', diff_ids: ['x'] } }, '"x" is no digest'],
    [{ ...document, os: 1 }, 'os of the image config must be a string'],
    [{ ...document, created: 1 }, 'created of the image config must be a string'],
  ])('refuses %j', (config, message) => {
    expect(() => decodeImageConfig(bytes(config))).toThrow(failure('INTEGRITY', message))
  })
})
