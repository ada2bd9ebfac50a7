import type { Verdict, VerifiedImage, VerifiedLayer } from '../verify/verdict.ts'
import { printable } from './explain-error.ts'
import { formatBytes } from './progress/format-bytes.ts'

export interface VerdictStyle {
  /** Every layer too. */
  readonly verbose: boolean
}

/** What was found out about an archive, for people: whether it is whole, what is in it, who loads it. */
export function describeVerdict(verdict: Verdict, { verbose }: VerdictStyle): string {
  const { archive, size, images, problems, moreProblems, warnings, checksumFile, ok } = verdict
  const lines = [
    `${archive === '-' ? 'stdin' : archive}: ${stateOf(verdict)}, ${formatBytes(size)}`,
    ...problems.map(({ place, message }) => row('problem', `${place}: ${message}`)),
    ...(moreProblems > 0 ? [row('', `and ${moreProblems} more`)] : []),
    row('kind', describeKind(verdict)),
    ...images.flatMap((image) => describeImage(image, verbose)),
    ...(ok && checksumFile !== undefined ? [row('sha256', `as ${checksumFile} says`)] : []),
    ...describeEngines(verdict),
    ...warnings.map((warning) => row('warning', warning)),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function stateOf({ ok, problems }: Verdict): string {
  if (ok) return 'whole'
  return problems.some(({ kind }) => kind === 'broken') ? 'BROKEN' : 'NOT CHECKED in full'
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(9)} ${text}`
}

const kinds: Readonly<Record<Verdict['format'], string>> = {
  'docker-archive': 'docker archive',
  'oci-layout': 'OCI image layout',
  both: 'OCI image layout with a manifest.json',
  legacy: 'docker archive without manifest.json',
  unknown: 'unknown',
}

function describeKind({ format, writer, compression }: Verdict): string {
  const packed = compression === 'none' ? '' : `, in ${compression}`
  return `${kinds[format]}${packed}${writer === '' ? '' : ` (${writer})`}`
}

function describeImage(
  { names, platform, imageId, digest, layers }: VerifiedImage,
  verbose: boolean,
): readonly string[] {
  const size = formatBytes(layers.reduce((sum, layer) => sum + layer.size, 0))
  const title = names.length === 0 ? 'without a name' : names.join(', ')
  const count = `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`
  return [
    row('image', `${title} (${platform}), ${count}, ${size}`),
    row('', `image id  ${imageId}`),
    ...(digest === undefined ? [] : [row('', `digest    ${digest}`)]),
    ...(verbose ? layers.map(describeLayer) : []),
  ]
}

function describeLayer({ path, size, digest, diffId, compression }: VerifiedLayer, index: number): string {
  const packed = compression === 'none' ? '' : `, ${compression} of ${diffId}`
  return row('', `layer ${index + 1}   ${digest}, ${formatBytes(size)}${packed}, ${path}`)
}

function describeEngines({ engines }: Verdict): readonly string[] {
  const loading = engines.filter(({ loads }) => loads === 'yes').map(({ engine }) => engine)
  const others = engines.flatMap(({ engine, loads, reasons }) => {
    const label = { yes: 'note', depends: 'perhaps', no: 'not in' }[loads]
    return reasons.length === 0 ? [] : [row(label, `${engine}: ${reasons.join('; ')}`)]
  })
  return [...(loading.length > 0 ? [row('loads in', loading.join(', '))] : []), ...others]
}

/** The same for programs; safe to show on a terminal. */
export function verdictToJson(verdict: Verdict, exitCode: number): object {
  const problems = verdict.problems.map((problem) => ({
    ...problem,
    place: printable(problem.place),
    message: printable(problem.message),
  }))
  return { ...verdict, problems, warnings: verdict.warnings.map(printable), exitCode }
}
