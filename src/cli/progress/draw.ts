import type { ChalkInstance } from 'chalk'
import { shortDigest } from '../../oci/digest.ts'
import type { TextStream } from './display.ts'
import { formatBytes } from './format-bytes.ts'
import { formatDuration } from './format-duration.ts'
import type { ActiveBlob, Tally } from './tally.ts'

export interface Canvas {
  readonly columns: number
  readonly rows: number
  readonly chalk: ChalkInstance
}

/** Whether there is a terminal, wide enough. On one that says it has 0 columns, ora would loop for ever. */
export function canDrawOn({ isTTY = false, columns = 0 }: TextStream): boolean {
  return isTTY && columns >= fewestColumns
}

const fewestColumns = 20

/** The total on one line, then a line for each blob that is arriving, as many as fit; cut to the width. */
export function draw(tally: Tally, { columns, rows, chalk }: Canvas): string {
  const room = Math.max(0, Math.min(mostBlobs, rows - 4))
  const shown = tally.active.slice(0, room)
  const spinner = 2
  return [
    cut(describeTally(tally), columns - spinner - 1),
    ...shown.map((blob) => chalk.dim(cut(describeBlob(blob), columns - 1))),
  ].join('\n')
}

const mostBlobs = 6

/** One line about the whole pull. */
export function describeTally(tally: Tally): string {
  const { stage, title, received, total, kept, layersDone, layersTotal, rate, timeLeft, active } = tally
  if (stage === 'resolving') return `${title}  looking it up`
  if (stage === 'archiving') return `${title}  ${formatBytes(total)}  finishing the archive`
  return [
    title,
    `${formatBytes(received)} of ${formatBytes(total)}`,
    `${layersDone}/${layersTotal} layers`,
    rate === 0 && active.length > 0 ? 'waiting for the server' : `${formatBytes(rate)}/s`,
    timeLeft !== undefined && `${formatDuration(timeLeft)} left`,
    kept > 0 && `${formatBytes(kept)} from before`,
  ]
    .filter(Boolean)
    .join('  ')
}

function describeBlob({ digest, size, received }: ActiveBlob): string {
  const share = size === 0 ? 1 : Math.min(1, received / size)
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `  ${shortDigest(digest)} ${bar(share)} ${percent}  ${formatBytes(received)} of ${formatBytes(size)}`
}

const barWidth = 20

function bar(share: number): string {
  const filled = Math.floor(share * barWidth)
  return `[${`${'='.repeat(filled)}>`.slice(0, barWidth).padEnd(barWidth)}]`
}

/** Everything drawn is ASCII, so a character is a column. */
function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`
}
