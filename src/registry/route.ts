import type { Endpoint } from './endpoint.ts'

/** The way to a repository. The names are those that the user typed, wherever it is served. */
export interface Route {
  readonly registry: string
  readonly repository: string
  /** Where it is served, best first; the registry itself, as a rule, is the last. */
  readonly endpoints: readonly Endpoint[]
}
