import { expect, test } from 'vitest'
import { addIndex, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { jsonEntry, readArchive } from '../support/read-archive.ts'
import { registry } from '../support/registry.ts'

test('the oci format keeps manifest, config and layers byte for byte, so that digests survive', async () => {
  const content = createContent()
  const layers = [
    await buildLayer({ a: '1' }, { oci: true }),
    await buildLayer({ b: '2' }, { oci: true, compression: 'none' }),
  ]
  const image = buildImage({ layers, oci: true })
  addIndex(content, [image], 'team/app:1')
  const server = await serveDuringTest(registry(content))

  const { path } = await pullFrom(server, 'team/app:1', { format: 'oci' })

  const entries = await readArchive(path)
  const blob = (digest: string) => entries.get(`blobs/${digest.replace(':', '/')}`)?.bytes
  expect(jsonEntry(entries, 'oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' })
  const [descriptor, ...others] = jsonEntry(entries, 'index.json').manifests
  expect(others).toEqual([])
  expect(descriptor).toMatchObject({
    digest: image.digest,
    size: image.manifest.length,
    platform: image.platform,
    annotations: {
      'io.containerd.image.name': `${server.host}/team/app:1`,
      'org.opencontainers.image.ref.name': '1',
    },
  })
  expect(blob(image.digest)).toEqual(image.manifest)
  expect(blob(image.configDigest)).toEqual(image.config)
  for (const layer of layers) expect(blob(layer.digest)).toEqual(layer.blob)
})

test('the oci format also carries the manifest.json that older docker load needs', async () => {
  const content = createContent()
  const layer = await buildLayer({ a: '1' }, { oci: true })
  const image = buildImage({ layers: [layer, layer], oci: true })
  addIndex(content, [image], 'app:1')
  const server = await serveDuringTest(registry(content))

  const entries = await readArchive((await pullFrom(server, 'app:1', { format: 'oci' })).path)

  const path = `blobs/${layer.digest.replace(':', '/')}`
  expect(jsonEntry(entries, 'manifest.json')).toEqual([
    {
      Config: `blobs/${image.configDigest.replace(':', '/')}`,
      RepoTags: [`${server.host}/app:1`],
      Layers: [path, path],
    },
  ])
})
