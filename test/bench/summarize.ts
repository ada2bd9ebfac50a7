import type { Sample } from './run-measured.ts'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** A run, and the bytes of blobs that the registry gave out for it. */
export interface Run extends Sample {
  readonly fetched: number
}

/** How one contender did in a scenario. */
export interface Standing {
  readonly seconds: Spread
  readonly cpuSeconds: number
  /** The most of all runs, in bytes; so is `fetched`. */
  readonly memory: number
  readonly written: number
  readonly fetched: number
  /** Its time over that of each other one, of the same round. */
  readonly ratios: Readonly<Record<string, Spread>>
}

export type Standings = Readonly<Record<string, Standing>>

/** Makes one line per contender out of its runs, of which each round has one. */
export function summarize(runs: ReadonlyMap<string, readonly Run[]>): Standings {
  const names = [...runs.keys()]
  const secondsOf = (name: string) => runs.get(name)?.map(({ seconds }) => seconds) ?? []
  const ratio = (name: string, other: string) =>
    spreadOf(secondsOf(name).map((seconds, round) => seconds / (secondsOf(other)[round] ?? Number.NaN)))
  return Object.fromEntries(
    [...runs].map(([name, own]) => [
      name,
      {
        seconds: spreadOf(secondsOf(name)),
        cpuSeconds: spreadOf(own.map(({ cpuSeconds }) => cpuSeconds)).median,
        memory: Math.max(...own.map(({ memory }) => memory)),
        written: spreadOf(own.map(({ written }) => written)).median,
        fetched: Math.max(...own.map(({ fetched }) => fetched)),
        ratios: Object.fromEntries(
          names.filter((other) => other !== name).map((other) => [other, ratio(name, other)]),
        ),
      },
    ]),
  )
}

/** Of an even number of values, the mean of the two in the middle. */
function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const at = (index: number) => round(sorted.at(index) ?? Number.NaN)
  return { median: round((at(Math.floor(middle)) + at(Math.ceil(middle))) / 2), min: at(0), max: at(-1) }
}

/** To what can be told apart. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
