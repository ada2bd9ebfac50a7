import type { ScenarioResult } from './run-scenario.ts'
import type { Spread, Standing } from './summarize.ts'
import type { ScenarioResults, Target } from './targets.ts'

/** A table of all that was measured, medians with the least and the most in parentheses. */
export function formatResults(results: ScenarioResults): string {
  const head = ['', 'who', 'wall s', '× skopeo', '× floor', 'CPU s', 'memory MB', 'written MB', 'fetched MB']
  return table([head, ...Object.values(results).flatMap(formatScenario)])
}

/** What a user may want to know: seconds, and how much memory dray takes. */
export function formatSummary(results: ScenarioResults, names: readonly string[]): string {
  const others = ['skopeo', 'crane', 'regctl']
  const seconds = (standing: Standing | undefined) =>
    standing ? `${standing.seconds.median.toFixed(2)} s` : ''
  const rows = names.flatMap((name) => {
    const { title, standings } = results[name] ?? {}
    const { dray } = standings ?? {}
    if (title === undefined || !dray) return []
    const times = others.map((other) => seconds(standings?.[other]))
    return [[title, `**${seconds(dray)}**`, ...times, `${megabytes(dray.memory)} MB`]]
  })
  return table([['', 'dray', ...others, "dray's memory"], ...rows])
}

/** What was to be reached, as far as it was measured, and whether it is. */
export function formatTargets(targets: readonly Target[], results: ScenarioResults): string {
  const rows = targets.flatMap(({ what, limit, measure }) => {
    const measured = measure(results)
    if (measured === undefined) return []
    return [[what, `≤ ${limit}`, formatNumber(measured), measured <= limit ? 'yes' : 'NO']]
  })
  return table([['target', '', 'measured', 'met'], ...rows])
}

function formatScenario({ title, packed, unpacked, standings }: ScenarioResult): readonly string[][] {
  const size = packed > 0 ? ` (${megabytes(packed)} MB, ${megabytes(unpacked)} MB unpacked)` : ''
  return Object.entries(standings).map(([who, standing], index) => [
    index === 0 ? `${title}${size}` : '',
    who,
    formatSpread(standing.seconds),
    formatSpread(standing.ratios.skopeo),
    formatSpread(ratioToFloor(standing)),
    standing.cpuSeconds.toFixed(2),
    megabytes(standing.memory),
    megabytes(standing.written),
    megabytes(standing.fetched),
  ])
}

/** The floor is whichever of them ran. */
function ratioToFloor({ ratios }: Standing): Spread | undefined {
  return ratios['curl, gzip'] ?? ratios.curl ?? ratios.node ?? ratios['the link']
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return ''
  const { median, min, max } = spread
  return min === max
    ? formatNumber(median)
    : `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`
}

function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}

function megabytes(bytes: number): string {
  return bytes >= 1e7 || bytes === 0 ? (bytes / 1e6).toFixed(0) : (bytes / 1e6).toFixed(1)
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
