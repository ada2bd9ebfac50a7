import {
  addImage,
  addIndex,
  buildImage,
  createContent,
  layerOf,
  type RegistryContent,
} from '../image-builder.ts'
import { noiseFrom } from '../soak/chance.ts'

export const imageNames = ['app:1', 'app:2', 'team/tool:1'] as const

/** What a registry of chance has: images that share layers, of both families, one of them behind an index. */
export function makeWares(): RegistryContent {
  const content = createContent()
  const [base, own, plain, small] = [
    layerOf(noiseFrom(1, 300_000)),
    layerOf(noiseFrom(2, 120_000)),
    layerOf(noiseFrom(3, 200_000), { compression: 'none' }),
    layerOf(noiseFrom(4, 40)),
  ] as const
  const zeros = layerOf(Buffer.alloc(2_000_000), { oci: true })
  addImage(content, buildImage({ layers: [base, own, small] }), 'app:1')
  addImage(content, buildImage({ layers: [base, plain, base] }), 'app:2')
  const tool = buildImage({ layers: [zeros, { ...own, mediaType: zeros.mediaType }], oci: true })
  addIndex(content, [tool], 'team/tool:1', { attestations: true })
  return content
}
