import { linkItself, type ScenarioResult } from './run-scenario.ts'

export type ScenarioResults = Readonly<Record<string, ScenarioResult>>

/** What dray is meant to reach. */
export interface Target {
  readonly what: string
  readonly limit: number
  /** In the unit of the limit; undefined when what it takes did not run. */
  readonly measure: (results: ScenarioResults) => number | undefined
}

export const targets: readonly Target[] = [
  ratio('docker archive, six layers: × skopeo', 'six-docker', 'skopeo', 0.42),
  ratio('docker archive, dominant layer: × skopeo', 'dominant-docker', 'skopeo', 0.42),
  ratio('oci archive, six layers: × skopeo', 'six-oci', 'skopeo', 0.55),
  ratio('oci archive, dominant layer: × skopeo', 'dominant-oci', 'skopeo', 0.55),
  ratio('oci archive, six layers: × crane', 'six-oci', 'crane', 1),
  ratio('oci archive, dominant layer: × crane', 'dominant-oci', 'crane', 1),
  ratio('small image: × skopeo', 'small', 'skopeo', 1.3),
  ratio('`--version`: × node', 'version', 'node', 1.6),
  ratio('`--help`: × node', 'help', 'node', 1.6),
  ratio('20 MB/s per connection, dominant layer: × skopeo', 'per-connection', 'skopeo', 0.35),
  ratio('50 MB/s in all, six layers: × the link', 'shared-six', linkItself, 1.1),
  ratio('50 MB/s in all, dominant layer: × the link', 'shared-dominant', linkItself, 1.1),
  { what: 'memory, all scenarios: MB at most', limit: 130, measure: mostMemory },
  { what: 'written to disk, docker archives: × (packed + unpacked)', limit: 1.01, measure: mostWritten },
  { what: 'second pull with `--cache`: bytes of blobs fetched', limit: 0, measure: fetchedAgain },
  ratio('second pull with `--cache`: × skopeo', 'cached', 'skopeo', 0.3),
]

function ratio(what: string, scenario: string, other: string, limit: number): Target {
  const measure = (results: ScenarioResults) => results[scenario]?.standings.dray?.ratios[other]?.median
  return { what, limit, measure }
}

function mostMemory(results: ScenarioResults): number | undefined {
  return most(Object.values(results).map(({ standings }) => (standings.dray?.memory ?? 0) / 1e6))
}

function mostWritten(results: ScenarioResults): number | undefined {
  return most(
    ['six-docker', 'dominant-docker', 'huge-docker'].flatMap((name) => {
      const { packed, unpacked, standings } = results[name] ?? {}
      const written = standings?.dray?.written
      return written === undefined ? [] : [written / ((packed ?? 0) + (unpacked ?? 0))]
    }),
  )
}

function fetchedAgain(results: ScenarioResults): number | undefined {
  return results.cached?.standings.dray?.fetched
}

function most(values: readonly number[]): number | undefined {
  return values.length > 0 ? Math.max(...values) : undefined
}
