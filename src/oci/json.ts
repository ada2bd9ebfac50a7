import { DrayError, quote } from '../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** UTF-8 to text; a byte order mark stays, so that it fails as JSON like everywhere else. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** Reads a document that must be a JSON object. `what` names it in messages: `the manifest`. Throws INTEGRITY. */
export function parseJsonObject(text: string, what: string): JsonObject {
  return expectObject(parseJson(text, what), what)
}

function parseJson(text: string, what: string): unknown {
  refuseBulk(text, what)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DrayError('INTEGRITY', `${what} is not valid JSON`, { cause })
  }
}

const deepest = 1000
const mostValues = 250_000

/**
 * Refuses what no document of an image is: a few megabytes of empty brackets would take a hundred times as much memory
 * once they are read.
 */
function refuseBulk(text: string, what: string): void {
  let depth = 0
  let values = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') inString = !inString
    else if (inString) i += character === '\\' ? 1 : 0
    else if (character === '[' || character === '{') {
      depth += 1
      values += 1
    } else if (character === ']' || character === '}') depth -= 1
    else if (character === ',') values += 1
    if (depth > deepest) throw new DrayError('INTEGRITY', `${what} is nested too deeply`)
    if (values > mostValues) throw new DrayError('INTEGRITY', `${what} has too many values`)
  }
}

/** Throws INTEGRITY unless `value` is a JSON object. */
export function expectObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new DrayError('INTEGRITY', `${what} must be a JSON object`)
}

/** Throws INTEGRITY unless `value` is a JSON array. */
export function expectArray(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new DrayError('INTEGRITY', `${what} must be a JSON array`)
}

/** True for what Go takes for not being there. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/** The string at `key`; undefined when it is absent, null or empty. Throws INTEGRITY. */
export function optionalString(object: JsonObject, key: string, what: string): string | undefined {
  const value = object[key] ?? ''
  if (typeof value === 'string') return value || undefined
  throw new DrayError('INTEGRITY', `${key} of ${what} must be a string`)
}

/** The strings at `key`; undefined when it is absent or null. Throws INTEGRITY. */
export function optionalStrings(
  object: JsonObject,
  key: string,
  what: string,
): readonly string[] | undefined {
  const value = object[key]
  if (isAbsent(value)) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new DrayError('INTEGRITY', `${key} of ${what} must be an array of strings`)
}

/**
 * Refuses a document that readers could read differently: a key twice, or one of `known` in other letters. JSON.parse
 * keeps the last of two equal keys and tells `layers` from `Layers`; Go does not (CVE-2021-41190 grew out of that).
 * Only the outermost object is looked at. Throws INTEGRITY.
 */
export function refuseDoubtfulKeys(text: string, known: readonly string[], what: string): void {
  const names = new Map(known.map((key) => [fold(key), key]))
  const seen = new Set<string>()
  for (const key of topLevelKeys(text)) {
    const folded = fold(key)
    const proper = names.get(folded) ?? key
    if (seen.has(folded)) throw new DrayError('INTEGRITY', `${what} has the key ${quote(key)} twice`)
    if (key !== proper) {
      throw new DrayError('INTEGRITY', `${what} has ${quote(key)} where ${quote(proper)} belongs`)
    }
    seen.add(folded)
  }
}

/** Go takes letters for equal that become so in either case, such as `s` and `ſ`. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase()
}

/** Of text that JSON.parse has taken for an object, so that quotes and brackets are known to be in order. */
function topLevelKeys(text: string): readonly string[] {
  const keys: string[] = []
  let depth = 0
  let start = -1
  for (const { 0: token, index } of text.matchAll(/\\.|["{}[\]]/g)) {
    if (start === -1 && token === '"') start = index
    else if (start === -1) depth += token === '{' || token === '[' ? 1 : -1
    else if (token === '"') {
      if (depth === 1 && isFollowedByColon(text, index)) keys.push(JSON.parse(text.slice(start, index + 1)))
      start = -1
    }
  }
  return keys
}

function isFollowedByColon(text: string, closingQuote: number): boolean {
  const colon = /\s*:/y
  colon.lastIndex = closingQuote + 1
  return colon.test(text)
}
