import { DrayError } from '../errors.ts'
import { isTable, type KeyPath, type Table } from './table.ts'

/** Reads a JSON object. Throws FILE with the line of the mistake; nothing of the file is repeated, as it may hold passwords. */
export function parseJson(text: string, file: string): Table {
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (error) {
    const line = text.slice(0, mistakeIn(text, error)).split('\n').length
    throw new DrayError('FILE', `${file}, line ${line}: this is not valid JSON`)
  }
  if (!isTable(values)) throw new DrayError('FILE', `${file}, line 1: this is not a JSON object`)
  return { values, path: [], document: { file, lineOf: (path) => lineOf(text, path) } }
}

const token = /\s*(?:"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:])/y

/** Node names the place of a mistake only where all the words are JSON's. */
function mistakeIn(text: string, error: unknown): number {
  const [, position] = /at position (\d+)/.exec(String(error)) ?? []
  if (position !== undefined) return Number(position)
  let end = 0
  for (token.lastIndex = 0; token.test(text); ) end = token.lastIndex
  return end + (/^\s*(?=\S)/.exec(text.slice(end))?.[0].length ?? 0)
}

/** Where the last key of the path is first written. */
function lineOf(text: string, path: KeyPath): number | undefined {
  const key = path.findLast((each) => typeof each === 'string')
  const line = text.split('\n').findIndex((each) => each.includes(`${JSON.stringify(key)}`))
  return line === -1 ? undefined : line + 1
}
