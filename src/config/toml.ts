import { parse, TomlError } from 'smol-toml'
import { DrayError, quote } from '../errors.ts'
import { isTable, type KeyPath, type Table, withoutUser } from './table.ts'

/**
 * Reads TOML, tables in the order of the file. Throws FILE with the line, the column and, where one can be told, the
 * key of the mistake; nothing else of the file is repeated, as it may hold passwords.
 */
export function parseToml(text: string, file: string): Table {
  const toml = text.replace(/^\uFEFF/, '')
  try {
    return { values: parse(toml), path: [], document: { file, lineOf: (path) => lineOf(toml, path) } }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw syntaxMistake(error, toml, file)
  }
}

function syntaxMistake({ message, line, column }: TomlError, toml: string, file: string): DrayError {
  const [problem = ''] = message.replace(/^Invalid TOML document: /, '').split('\n')
  const key = keyIn(toml.split('\n')[line - 1] ?? '')
  const where = `${file}, line ${line}, column ${column}`
  return new DrayError('FILE', `${where}${key === undefined ? '' : `, at ${key}`}: ${problem}`)
}

/** What a line is about: `location` of `location = "…"`, `[registry]` of a table's head. */
function keyIn(line: string): string | undefined {
  const [, key, head] = /^\s*(?:([\w."'-]+)\s*=|(\[+[^\]=]*\]*))/.exec(line) ?? []
  const found = (key ?? head)?.trim()
  return found === undefined || /^[\w.[\]-]+$/.test(found) ? found : quote(withoutUser(found))
}

const longestSearch = 2_000

/** The parser tells no lines: the value is where the first lines of the file that hold it end. */
function lineOf(toml: string, path: KeyPath): number | undefined {
  const lines = toml.split('\n')
  if (lines.length > longestSearch) return undefined
  const index = lines.findIndex((_, last) => holds(lines.slice(0, last + 1).join('\n'), path))
  return index === -1 ? undefined : index + 1
}

function holds(toml: string, path: KeyPath): boolean {
  let value: unknown
  try {
    value = parse(toml)
  } catch {
    return false
  }
  return path.every((key) => {
    if (!(Array.isArray(value) || isTable(value)) || !Object.hasOwn(value, key)) return false
    value = (value as Readonly<Record<string | number, unknown>>)[key]
    return true
  })
}
