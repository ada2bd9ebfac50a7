import type { ScenarioResults } from './targets.ts'

/** The scenarios that are worth a picture. */
export const plotted: readonly string[] = ['six-docker', 'dominant-docker', 'six-oci', 'dominant-oci']

const width = 720
const barHeight = 16
const gap = 6
const titleHeight = 30
const labelWidth = 150
const valueWidth = 70

/** Draws the wall times of these scenarios as bars, for light and dark pages. */
export function plot(results: ScenarioResults, names = plotted): string {
  const groups = names.flatMap((name) => results[name] ?? [])
  const longest = Math.max(
    ...groups.flatMap(({ standings }) => Object.values(standings).map(({ seconds }) => seconds.median)),
  )
  const scale = (width - labelWidth - valueWidth) / longest
  let y = 0
  const parts = groups.flatMap(({ title, standings }) => {
    y += titleHeight
    const heading = `<text class="title" x="0" y="${y - 8}">${escapeXml(title)}</text>`
    const bars = Object.entries(standings).map(([who, { seconds }]) => {
      const bar = drawBar(who, seconds.median, seconds.median * scale, y)
      y += barHeight + gap
      return bar
    })
    return [heading, ...bars]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">`,
    `<title>Seconds to pull an image, by tool</title>`,
    `<style>${style}</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

const style = [
  'text{font:13px system-ui,sans-serif;fill:#1f2328}',
  '.title{font-weight:600}',
  'rect{fill:#8c959f}',
  '.dray{fill:#0969da}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.dray{fill:#4493f8}}',
].join('')

function drawBar(who: string, seconds: number, length: number, y: number): string {
  const textY = y + barHeight - 4
  const kind = who === 'dray' ? ' class="dray"' : ''
  return [
    `<text x="${labelWidth - 8}" y="${textY}" text-anchor="end">${escapeXml(who)}</text>`,
    `<rect${kind} x="${labelWidth}" y="${y}" width="${Math.max(1, length).toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${textY}">${seconds.toFixed(2)} s</text>`,
  ].join('')
}

function escapeXml(text: string): string {
  return text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
