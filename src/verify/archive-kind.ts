import type { CheckedImage } from './check-image.ts'
import type { EntryTable } from './entry-table.ts'
import type { ArchiveKind } from './verdict.ts'

/** Tells what lies in front of us by the entries that are there. */
export function recognizeFormat(table: EntryTable): ArchiveKind {
  const [hasManifest, hasIndex] = [table.has('manifest.json'), table.has('index.json')]
  if (hasManifest && hasIndex) return 'both'
  if (hasManifest) return 'docker-archive'
  if (hasIndex) return 'oci-layout'
  return table.has('repositories') ? 'legacy' : 'unknown'
}

/** Which programs write archives of this shape; nothing where none is known. */
export function describeWriter(
  format: ArchiveKind,
  table: EntryTable,
  images: readonly CheckedImage[],
): string {
  const layers = images.flatMap((image) => image.layers)
  const paths = images.flatMap((image) => image.layerPaths)
  const isPacked = layers.some(({ compression }) => compression !== 'none')
  switch (format) {
    case 'both':
      if (table.has('repositories')) return 'docker save from 25 on'
      return isPacked
        ? 'buildx (type=docker), docker save with the containerd image store, dray --format oci'
        : 'docker save from 25 on, buildx, dray --format oci'
    case 'oci-layout':
      return 'podman, skopeo or buildah (oci-archive), buildx (type=oci)'
    case 'legacy':
      return 'docker save before 1.10'
    case 'docker-archive':
      return describeDockerWriter(paths)
    default:
      return ''
  }
}

function describeDockerWriter(paths: readonly string[]): string {
  const all = (pattern: RegExp) => paths.length > 0 && paths.every((path) => pattern.test(path))
  if (all(/^[0-9a-f]{64}\/layer\.tar$/)) return 'docker save up to 24, dray'
  if (all(/^[0-9a-f]{64}\.tar$/)) return 'podman save, skopeo (docker-archive)'
  if (all(/^(sha256:)?[0-9a-f]{64}\.tar\.gz$/)) return 'crane, kaniko, ko'
  return ''
}
