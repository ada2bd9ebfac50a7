/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Those of this process; the only place that reads them. Everyone else is handed some. */
export const processEnvironment: Environment = process.env

/** The first of these variables that is set; an empty one counts as not set. */
export function variable(env: Environment, ...names: readonly string[]): string | undefined {
  return variableIn(env, ...names)?.value
}

/** The same, with the name that it was found by. */
export function variableIn(env: Environment, ...names: readonly string[]): NamedValue | undefined {
  const name = names.find((each) => env[each]?.trim())
  return name === undefined ? undefined : { value: env[name] ?? '', name }
}

export interface NamedValue {
  readonly value: string
  readonly name: string
}

/**
 * A setting that npm was run with and passes on to what it runs: in lower case, but for what it got from a variable in
 * upper case itself. What it writes for nothing is nothing.
 */
export function npmSetting(env: Environment, key: string): NamedValue | undefined {
  const names = [`npm_config_${key}`, `NPM_CONFIG_${key.toUpperCase()}`]
  return variableIn(env, ...names.filter((name) => !/^(null|false|undefined)$/.test(env[name] ?? '')))
}
