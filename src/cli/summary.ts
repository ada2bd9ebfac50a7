import type { PulledImage, PullResult } from '../pull.ts'
import { formatBytes } from './progress/format-bytes.ts'
import { formatDuration } from './progress/format-duration.ts'

export interface SummaryOptions {
  /** How long the pull took, in milliseconds. */
  readonly elapsed: number
  readonly platform?: NodeJS.Platform
}

/** What a person wants to know at the end: what came, how big, which ids, and the command to run next. */
export function summarize(
  result: PullResult,
  { elapsed, platform = process.platform }: SummaryOptions,
): string {
  const { path, size, images } = result
  const lines = [
    ...images.flatMap(describeImage),
    `${formatBytes(size)} in ${formatDuration(elapsed)}`,
    path !== '-' && `next: docker load -i ${quote(path, platform)}`,
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}

function describeImage({
  reference,
  name = reference,
  platform,
  imageId,
  digest,
}: PulledImage): readonly string[] {
  return [`${name} (${platform})`, `  image id  ${imageId}`, `  digest    ${digest}`]
}

/** As this machine's shell wants it: what has only harmless characters stays as it is. */
function quote(path: string, platform: NodeJS.Platform): string {
  if (platform === 'win32') return /^[\w.,:\\/+@-]+$/.test(path) ? path : `"${path}"`
  return /^[\w.,:/+@-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
