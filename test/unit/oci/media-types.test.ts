import { expect, test } from 'vitest'
import {
  bareMediaType,
  isConfigType,
  isEncryptedType,
  isIndexType,
  isLayerType,
  isManifestType,
  isSchema1Type,
  manifestMediaTypes,
} from '../../../src/oci/media-types.ts'

test("a registry is told that we take both Docker's and OCI's indexes and manifests", () => {
  expect(manifestMediaTypes).toEqual([
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
  ])
  for (const type of manifestMediaTypes) expect(isIndexType(type)).toBe(!isManifestType(type))
})

test.each([
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
])('%s is a layer', (type) => {
  expect(isLayerType(type)).toBe(true)
  expect(isEncryptedType(type)).toBe(false)
  expect(isEncryptedType(`${type}+encrypted`)).toBe(true)
})

test.each([
  '',
  'application/vnd.in-toto+json',
  'application/vnd.erofs.layer.v1',
  'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  'application/vnd.docker.ai.gguf.v3',
  'application/vnd.oci.image.config.v1+json',
  'application/tar',
])('"%s" is no layer', (type) => {
  expect(isLayerType(type)).toBe(false)
})

test.each([
  ['application/vnd.oci.image.config.v1+json', true],
  ['application/vnd.docker.container.image.v1+json', true],
  ['application/octet-stream', true],
  ['', true],
  ['application/vnd.oci.empty.v1+json', false],
  ['application/vnd.docker.plugin.v1+json', false],
  ['application/vnd.cncf.helm.config.v1+json', false],
])('"%s" can be the config of an image: %s', (type, can) => {
  expect(isConfigType(type)).toBe(can)
})

test('schema 1 is known by both its names', () => {
  expect(isSchema1Type('application/vnd.docker.distribution.manifest.v1+json')).toBe(true)
  expect(isSchema1Type('application/vnd.docker.distribution.manifest.v1+prettyjws')).toBe(true)
  expect(isSchema1Type('application/vnd.docker.distribution.manifest.v2+json')).toBe(false)
})

test.each([
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  [' text/html ;a=b;c="d"', 'text/html'],
  ['', ''],
])('the Content-Type %j stands for %j', (contentType, bare) => {
  expect(bareMediaType(contentType)).toBe(bare)
})
