import type { ScenarioResults } from './targets.ts'

/** Smaller differences than this part of a ratio are those of one day and another, whatever a run's spread was. */
const leastSpread = 0.1

/** Names each ratio of dray's time to another's that is worse than the committed one by more than that one's spread. */
export function findWorse(committed: ScenarioResults, measured: ScenarioResults): readonly string[] {
  return Object.entries(measured).flatMap(([scenario, { standings }]) => {
    const before = committed[scenario]?.standings.dray?.ratios ?? {}
    return Object.entries(standings.dray?.ratios ?? {}).flatMap(([other, { median }]) => {
      const old = before[other]
      if (old === undefined) return []
      const allowed = old.median + Math.max(old.max - old.min, old.median * leastSpread)
      const worse = `${scenario}: ${median} × ${other}, was ${old.median} (${old.min} to ${old.max})`
      return median > allowed ? [worse] : []
    })
  })
}
