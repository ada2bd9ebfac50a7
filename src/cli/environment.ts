/** Environment variables by name. Only `options.ts` reads those of the process; everyone else is handed some. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The first of these variables that is set; an empty one counts as not set. */
export function variable(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
}
