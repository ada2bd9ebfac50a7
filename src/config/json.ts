import { DrayError } from '../errors.ts'
import { lineOfJsonMistake } from '../streams/json-mistake.ts'
import { isTable, type KeyPath, type Table } from './table.ts'

/** Reads a JSON object; an empty file is one with nothing in it, as in docker. Throws FILE with the line of the mistake; nothing of the file is repeated, as it may hold passwords. */
export function parseJson(text: string, file: string): Table {
  let values: unknown
  try {
    values = JSON.parse(text.trim() === '' ? '{}' : text)
  } catch (error) {
    throw new DrayError('FILE', `${file}, line ${lineOfJsonMistake(text, error)}: this is not valid JSON`)
  }
  if (!isTable(values)) throw new DrayError('FILE', `${file}, line 1: this is not a JSON object`)
  return { values, path: [], document: { file, lineOf: (path) => lineOf(text, path) } }
}

/** Where the last key of the path is first written. */
function lineOf(text: string, path: KeyPath): number | undefined {
  const key = path.findLast((each) => typeof each === 'string')
  const line = text.split('\n').findIndex((each) => each.includes(`${JSON.stringify(key)}`))
  return line === -1 ? undefined : line + 1
}
