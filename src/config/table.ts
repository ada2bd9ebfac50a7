import { DrayError, isDrayError, quote } from '../errors.ts'

/** A table of a configuration file, with what it takes to say where a mistake in it stands. */
export interface Table {
  readonly values: Readonly<Record<string, unknown>>
  readonly path: KeyPath
  readonly document: ConfigDocument
}

export interface ConfigDocument {
  readonly file: string
  /** Counted from 1; undefined when it cannot be told. */
  readonly lineOf: (path: KeyPath) => number | undefined
}

/** The way from the top of a file to a value: keys, and places in lists. */
export type KeyPath = readonly (string | number)[]

/** The text at `key`; undefined when nothing is there. Throws FILE. */
export function textAt(table: Table, key: string): string | undefined {
  const value = valueAt(table, key)
  if (value === undefined || typeof value === 'string') return value
  throw mistakeAt(table, [key], 'must be a string')
}

/** The switch at `key`; false when nothing is there. Throws FILE. */
export function booleanAt(table: Table, key: string): boolean {
  const value = valueAt(table, key) ?? false
  if (typeof value === 'boolean') return value
  throw mistakeAt(table, [key], 'must be true or false')
}

/** The list at `key`; empty when nothing is there. Throws FILE. */
export function listAt(table: Table, key: string): readonly unknown[] {
  const value = valueAt(table, key) ?? []
  if (Array.isArray(value)) return value
  throw mistakeAt(table, [key], 'must be a list')
}

/** The texts in the list at `key`; empty when nothing is there. Throws FILE. */
export function textsAt(table: Table, key: string): readonly string[] {
  return listAt(table, key).map((item, index) => {
    if (typeof item === 'string') return item
    throw mistakeAt(table, [key, index], 'must be a string')
  })
}

/** The table at `key`; an empty one when nothing is there. Throws FILE. */
export function tableAt(table: Table, key: string): Table {
  const values = valueAt(table, key) ?? {}
  if (isTable(values)) return { values, path: [...table.path, key], document: table.document }
  throw mistakeAt(table, [key], 'must be a table')
}

/** The tables in the list at `key`; empty when nothing is there. Throws FILE. */
export function tablesAt(table: Table, key: string): readonly Table[] {
  return listAt(table, key).map((values, index) => {
    const path = [...table.path, key, index]
    if (isTable(values)) return { values, path, document: table.document }
    throw mistakeAt(table, [key, index], 'must be a table')
  })
}

/** The FILE error for what stands under `keys` of a table: file, line, key and problem, never the value, which may be a secret. */
export function mistakeAt(table: Table, keys: KeyPath, problem: string): DrayError {
  const { file, lineOf } = table.document
  const path = [...table.path, ...keys]
  const line = lineOf(path)
  return new DrayError(
    'FILE',
    `${file}${line === undefined ? '' : `, line ${line}`}: ${formatKeyPath(path)} ${problem}`,
  )
}

/** What `decode` gives; a mistake that it finds is a warning, and there is nothing then. */
export function orWarning<T>(onWarning: (message: string) => void, decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!isDrayError(error, 'FILE')) throw error
    onWarning(`${error.message}; it is not followed`)
    return undefined
  }
}

function valueAt({ values }: Table, key: string): unknown {
  return Object.hasOwn(values, key) ? (values[key] ?? undefined) : undefined
}

export function isTable(value: unknown): value is Table['values'] {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** As one would write it in TOML: `registry[1].mirror[0].location`, `host."https://example.com".ca`. */
function formatKeyPath(path: KeyPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${formatKey(key)}`))
    .join('')
    .replace(/^\./, '')
}

/** A key, in quotes where TOML wants them. One that is a URL may have a user and a password in it. */
function formatKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : quote(withoutUser(key))
}

/** What comes before an @ in an address is nobody's business. */
export function withoutUser(address: string): string {
  return address.replace(/^.*@/s, '')
}
