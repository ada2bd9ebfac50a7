import { randomBytes } from 'node:crypto'
import {
  addImage,
  type BuiltImage,
  type BuiltLayer,
  buildImage,
  buildLayer,
  createContent,
  type LayerFiles,
  type RegistryContent,
} from '../image-builder.ts'

/** What there is to pull: `app:1`, an image of one layer. */
export interface World {
  readonly content: RegistryContent
  readonly image: BuiltImage
  readonly layer: BuiltLayer
}

/** Of the layer, in bytes, or nearly so: noise cannot be compressed. */
const layerSize = 96 * 1024

const noise = randomBytes(layerSize)

export async function createWorld(files: LayerFiles = { noise }): Promise<World> {
  const content = createContent()
  const layer = await buildLayer(files)
  const image = buildImage({ layers: [layer] })
  addImage(content, image, 'app:1')
  return { content, image, layer }
}
