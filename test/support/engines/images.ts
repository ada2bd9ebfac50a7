/** One of the images that the integration tests pull; `build-images.ts` makes them. */
export interface TestImage {
  readonly what: string
  readonly repository: string
  /** Absent where the image is in the registry by digest only. */
  readonly tag?: string
  /** What a container of it prints. */
  readonly says: string
  /** dockerd before 23 can neither pull nor load a zstd layer. */
  readonly zstd?: boolean
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** What dray pulls on this machine when it is not told. */
export const hostPlatform = `linux/${architectures[process.arch] ?? process.arch}`

/** The platforms of the multi-platform image. */
export const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] as const

export const heavySize = 1_100_000_000

const oneLayer: TestImage = {
  what: 'an image of one layer',
  repository: 'one-layer',
  tag: '1',
  says: 'one layer',
}

export const manyLayers: TestImage = {
  what: 'an image with duplicate and empty layers, whiteouts, hard links and names in all alphabets',
  repository: 'many-layers',
  tag: '1.0',
  says: [
    '<>& 🚀',
    '/again/same.txt',
    '/names/ünï <&>',
    '/names/ünï <&>/日本語 😀.txt',
    '/replaced/directory/new.txt',
    'cat and ls are one file',
    'the same file, twice',
  ].join('\n'),
}

const multiPlatform: TestImage = {
  what: 'a multi-platform index with an attestation',
  repository: 'multi-platform',
  tag: 'latest',
  says: hostPlatform,
}

const oci: TestImage = {
  what: 'an image of OCI media types whose manifest does not name its own',
  repository: 'oci',
  tag: '1',
  says: 'oci',
}

const zstd: TestImage = {
  what: 'an image of zstd layers',
  repository: 'zstd',
  tag: '1',
  says: 'zstd',
  zstd: true,
}

const heavy: TestImage = {
  what: 'an image with a layer of more than 500 MB, 1.1 GB when unpacked',
  repository: 'heavy',
  tag: '1',
  says: `${heavySize} /payload`,
}

const nameless: TestImage = {
  what: 'an image that is in the registry by digest only',
  repository: 'nameless',
  says: 'nameless',
}

const longName: TestImage = {
  what: 'an image whose name has a port and several path parts',
  repository: 'team/sub-group/my_app.v2/tool',
  tag: 'v1.0_rc.1-Final',
  says: 'oci',
}

export const images = { oneLayer, manyLayers, multiPlatform, oci, zstd, heavy, nameless, longName } as const

export type ImageName = keyof typeof images

/** The name that the archive of an image carries; none for an image that has no tag. */
export function nameInArchive(host: string, { repository, tag }: TestImage): string | undefined {
  return tag === undefined ? undefined : `${host}/${repository}:${tag}`
}

/** Where the multi-platform image's manifest for one platform is, without the index. */
export function platformReference(host: string, platform: string): string {
  return `${host}/${multiPlatform.repository}:${platform.replaceAll('/', '-')}`
}
