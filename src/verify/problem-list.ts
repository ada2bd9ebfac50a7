import type { Problem } from './verdict.ts'

/** What is wrong with an archive, as it is found. */
export interface ProblemList {
  /**
   * Notes something that is broken. Of what is found about the same thing (`about`: a path), only the first is noted: the
   * rest follows from it.
   */
  broken(place: string, message: string, about?: string): void
  /** Notes something that dray cannot judge. */
  unreadable(place: string, message: string, about?: string): void
  add(problem: Problem, about?: string): void
  has(about: string): boolean
  readonly count: number
  readonly first: readonly Problem[]
}

const most = 20

export function createProblemList(): ProblemList {
  const first: Problem[] = []
  const known = new Set<string>()
  let count = 0
  const note = (problem: Problem, about?: string) => {
    if (about !== undefined && known.has(about)) return
    if (about !== undefined) known.add(about)
    count++
    if (first.length < most) first.push(problem)
  }
  return {
    broken: (place, message, about) => note({ kind: 'broken', place, message }, about),
    unreadable: (place, message, about) => note({ kind: 'unreadable', place, message }, about),
    add: note,
    has: (about) => known.has(about),
    get count() {
      return count
    },
    first,
  }
}
