import { layerMaker } from './layers.ts'
import { hasManifest, pushImage, readManifest } from './push-image.ts'

/** The layers of each image, in MiB unpacked; packed they are a third of that. */
export const images = {
  small: [6, 3, 1],
  six: repeat(6, 73),
  dominant: [...repeat(4, 3), 1460, ...repeat(5, 3)],
  huge: [...repeat(4, 1200), ...repeat(6, 180)],
  forty: repeat(40, 3),
} as const satisfies Readonly<Record<string, readonly number[]>>

export type ImageName = keyof typeof images

export interface Image {
  readonly name: ImageName
  /** `repository:tag` */
  readonly path: string
  /** Digests of the layers. */
  readonly layers: readonly string[]
  /** Bytes of its blobs as served. */
  readonly packed: number
  /** Bytes of its layers in a docker archive. */
  readonly unpacked: number
}

/** Another tag makes images anew in a storage directory that is kept; to be changed with what they are made of. */
const tag = '1'

/** Puts these images into a registry, those that it does not have yet. */
export async function provideImages(
  host: string,
  names: readonly ImageName[],
): Promise<ReadonlyMap<ImageName, Image>> {
  const missing: ImageName[] = []
  for (const name of names) if (!(await hasManifest(host, `bench/${name}`, tag))) missing.push(name)
  if (missing.length > 0) {
    const makeLayer = await layerMaker()
    for (const name of missing) {
      console.error(`making the image ${name}`)
      const layers = images[name].map((size, index) => () => makeLayer(seedOf(name, index), size))
      await pushImage(host, `bench/${name}`, tag, layers)
    }
  }
  const provided = new Map<ImageName, Image>()
  for (const name of names) provided.set(name, await describeImage(host, name))
  return provided
}

async function describeImage(host: string, name: ImageName): Promise<Image> {
  const { config, layers } = await readManifest(host, `bench/${name}`, tag)
  return {
    name,
    path: `bench/${name}:${tag}`,
    layers: layers.map(({ digest }) => digest),
    packed: layers.reduce((sum, { size }) => sum + size, config.size),
    // The sizes of the list, and the end of each tar.
    unpacked: images[name].reduce<number>((sum, mebibytes) => sum + mebibytes * 1_048_576 + 1024, 0),
  }
}

function seedOf(name: ImageName, index: number): number {
  return Object.keys(images).indexOf(name) * 1000 + index
}

function repeat(count: number, size: number): readonly number[] {
  return Array.from({ length: count }, () => size)
}
