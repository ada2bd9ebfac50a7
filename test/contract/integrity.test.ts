import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  addImage,
  addManifest,
  type BuiltImage,
  buildImage,
  buildLayer,
  createContent,
  layerOf,
  type RegistryContent,
  sha256,
} from '../support/image-builder.ts'
import { pullFrom, serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type Damage = (content: RegistryContent, image: BuiltImage) => void

function rewriteManifest(change: (manifest: ReturnType<typeof JSON.parse>) => void): Damage {
  return (content, image) => {
    const manifest = JSON.parse(image.manifest.toString())
    change(manifest)
    addManifest(content, Buffer.from(JSON.stringify(manifest)), image.mediaType, 'app:1')
  }
}

const damages: readonly [string, string, Damage][] = [
  [
    'a layer with other bytes of the same length',
    'INTEGRITY',
    (content, image) => {
      const [layer] = image.layers
      if (layer) content.blobs.set(layer.digest, Buffer.alloc(layer.blob.length, 1))
    },
  ],
  [
    'a layer longer than its descriptor says',
    'INTEGRITY',
    (content, image) => {
      const [layer] = image.layers
      if (layer) content.blobs.set(layer.digest, Buffer.concat([layer.blob, Buffer.from('more')]))
    },
  ],
  [
    'a descriptor whose size is too small',
    'INTEGRITY',
    rewriteManifest((manifest) => {
      manifest.layers[0].size -= 7
    }),
  ],
  [
    'a descriptor whose size is negative',
    'INTEGRITY',
    rewriteManifest((manifest) => {
      manifest.layers[0].size = -1
    }),
  ],
  [
    'a digest that is a path',
    'INTEGRITY',
    rewriteManifest((manifest) => {
      manifest.layers[0].digest = 'sha256:../../../../etc/passwd'
    }),
  ],
  [
    'a config with other bytes',
    'INTEGRITY',
    (content, image) => {
      content.blobs.set(image.configDigest, Buffer.alloc(image.config.length, 32))
    },
  ],
  [
    'fewer layers than diffIDs',
    'INTEGRITY',
    rewriteManifest((manifest) => {
      manifest.layers.pop()
    }),
  ],
  [
    'a manifest that is an index too',
    'INTEGRITY',
    rewriteManifest((manifest) => {
      manifest.manifests = []
    }),
  ],
  [
    'an encrypted layer',
    'UNSUPPORTED',
    rewriteManifest((manifest) => {
      manifest.layers[0].mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'
    }),
  ],
  [
    'an artifact that is no image',
    'UNSUPPORTED',
    rewriteManifest((manifest) => {
      manifest.config.mediaType = 'application/vnd.cncf.helm.config.v1+json'
    }),
  ],
  [
    'a truncated gzip whose digest is right',
    'INTEGRITY',
    (content) => {
      const tar = Buffer.alloc(10_240)
      const blob = gzipSync(tar).subarray(0, 20)
      const layer = { ...layerOf(tar), blob, digest: sha256(blob) }
      addImage(content, buildImage({ layers: [layer] }), 'app:1')
    },
  ],
  [
    'a layer that is not what its diffID says',
    'INTEGRITY',
    (content, image) => {
      const [layer] = image.layers
      if (layer) addImage(content, buildImage({ layers: [{ ...layer, diffId: sha256('another') }] }), 'app:1')
    },
  ],
]

test.each(damages)(
  '%s is refused as %s; the old archive stays and no half one appears',
  async (_, code, damage) => {
    const content = createContent()
    const image = buildImage({
      layers: [await buildLayer({ a: 'x'.repeat(5000) }), await buildLayer({ b: 'y' })],
    })
    addImage(content, image, 'app:1')
    damage(content, image)
    const server = await serveDuringTest(registry(content))
    const output = join(temporaryDirectory(), 'image.tar')
    await writeFile(output, 'the old archive')

    await expect(pullFrom(server, 'app:1', { output, retries: 1 })).rejects.toMatchObject({ code })

    expect(await readFile(output, 'utf8')).toBe('the old archive')
    expect((await readdir(dirname(output))).filter((name) => !name.startsWith('image.tar'))).toEqual([])
  },
)

test('schema 1 is refused in one sentence', async () => {
  const content = createContent()
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 1, name: 'app', tag: '1', fsLayers: [], history: [] }),
  )
  addManifest(content, manifest, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'app:1')
  const server = await serveDuringTest((request, response) => {
    request.headers.accept += ', application/vnd.docker.distribution.manifest.v1+prettyjws'
    return registry(content)(request, response)
  })

  await expect(pullFrom(server, 'app:1')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/schema 1/i),
  })
})

test('urls in a layer descriptor are never asked', async () => {
  const content = createContent()
  const image = buildImage({ layers: [await buildLayer({ a: '1' })] })
  addImage(content, image)
  const elsewhere = await serveDuringTest(registry(content))
  rewriteManifest((manifest) => {
    manifest.layers[0].urls = [`${elsewhere.url}/v2/app/blobs/${manifest.layers[0].digest}`]
  })(content, image)
  const server = await serveDuringTest(
    registry({ ...content, blobs: new Map([[image.configDigest, image.config]]) }),
  )

  await expect(pullFrom(server, 'app:1')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(elsewhere.requests).toEqual([])
})

test('a tag that moves during the pull cannot mix two images', async () => {
  const content = createContent()
  const before = buildImage({ layers: [await buildLayer({ before: '1' })] })
  const after = buildImage({ layers: [await buildLayer({ after: '2' })] })
  addImage(content, after)
  addImage(content, before, 'app:1')
  const server = await serveDuringTest((request, response) => {
    registry(content)(request, response)
    content.tags.set('app:1', after.digest)
  })

  const { result } = await pullFrom(server, 'app:1')

  expect(result.images[0]).toMatchObject({ digest: before.digest, imageId: before.configDigest })
  expect(existsSync(result.path)).toBe(true)
})
