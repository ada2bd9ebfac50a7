const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `512 B`, `980 kB`, `24.6 MB`: powers of 1000, as docker counts. */
export function formatBytes(bytes: number): string {
  const texts = units.map((unit, i) => `${(bytes / 1000 ** i).toFixed(i < 2 ? 0 : 1)} ${unit}`)
  // What is judged is the rounded text, so that nothing is called 1000 kB.
  return texts.find((text) => Number.parseFloat(text) < 1000) ?? `${texts.at(-1)}`
}
