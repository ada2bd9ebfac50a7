import { isWildcard } from './registries-conf-match.ts'
import {
  booleanAt,
  type KeyPath,
  mistakeAt,
  orWarning,
  type Table,
  tableAt,
  tablesAt,
  textAt,
  textsAt,
} from './table.ts'
import { parseToml } from './toml.ts'

/** Where a namespace is really served. */
export interface Location {
  /** `host[:port][/path]`; empty where a wildcard leaves the name as it is. */
  readonly location: string
  /** Reached without verifying its certificate, or over http. */
  readonly insecure: boolean
}

export interface MirrorTable extends Location {
  /** The pulls that it is for; all where absent. */
  readonly only?: 'tags' | 'digests'
}

/** One `[[registry]]`. */
export interface RegistryTable extends Location {
  readonly prefix: string
  readonly blocked: boolean
  readonly mirrors: readonly MirrorTable[]
  /** Where it stands. */
  readonly file: string
}

/** What a short name stands for, and the file that says so; an empty value takes back what earlier files said. */
export interface Alias {
  readonly value: string
  readonly file: string
}

export interface RegistriesConf {
  readonly registries: readonly RegistryTable[]
  readonly aliases: ReadonlyMap<string, Alias>
}

/**
 * Decodes a file in the format of containers-registries.conf(5), version 2, or version 1 where `version1` allows it. A
 * table that makes no sense is left out with a warning. Throws FILE when all of the file makes no sense.
 */
export function decodeRegistriesConf(
  text: string,
  file: string,
  options: { readonly version1: boolean; readonly onWarning: (message: string) => void },
): RegistriesConf {
  const root = parseToml(text, file)
  const registries = isVersion1(root, options.version1)
    ? decodeVersion1(tableAt(root, 'registries'))
    : tablesAt(root, 'registry').flatMap(
        (table) => orWarning(options.onWarning, () => decodeRegistry(table)) ?? [],
      )
  return { registries, aliases: decodeAliases(tableAt(root, 'aliases'), options.onWarning) }
}

const keysOfVersion2 = ['registry', 'unqualified-search-registries', 'aliases', 'credential-helpers']

function isVersion1(root: Table, allowed: boolean): boolean {
  if (!Object.hasOwn(root.values, 'registries')) return false
  if (!allowed)
    throw mistakeAt(root, ['registries'], 'is of version 1 of the format, which has no place here')
  if (!keysOfVersion2.some((key) => Object.hasOwn(root.values, key))) return true
  throw mistakeAt(root, ['registries'], 'is of version 1 of the format, and other keys are of version 2')
}

function decodeVersion1(table: Table): readonly RegistryTable[] {
  const locationsAt = (key: string) => {
    const list = tableAt(table, key)
    return textsAt(list, 'registries').map((text, index) => checkLocation(text, list, ['registries', index]))
  }
  const blocked = new Set(locationsAt('block'))
  const insecure = new Set(locationsAt('insecure'))
  return [...new Set([...blocked, ...insecure])].map((location) => ({
    prefix: location,
    location,
    blocked: blocked.has(location),
    insecure: insecure.has(location),
    mirrors: [],
    file: table.document.file,
  }))
}

function decodeRegistry(table: Table): RegistryTable {
  const location = locationAt(table, 'location')
  const prefix = locationAt(table, 'prefix') || location
  if (isWildcard(prefix) ? /[/:@]/.test(prefix) : prefix.includes('*')) {
    throw mistakeAt(table, ['prefix'], 'may have a * only as in *.example.com')
  }
  if (location === '' && !isWildcard(prefix)) throw mistakeAt(table, ['location'], 'is missing')
  if (Object.hasOwn(table.values, 'pull-from-mirror')) {
    throw mistakeAt(table, ['pull-from-mirror'], 'belongs into a [[registry.mirror]]')
  }
  const byDigestOnly = booleanAt(table, 'mirror-by-digest-only')
  return {
    prefix,
    location,
    insecure: booleanAt(table, 'insecure'),
    blocked: booleanAt(table, 'blocked'),
    mirrors: tablesAt(table, 'mirror').map((mirror) => decodeMirror(mirror, byDigestOnly)),
    file: table.document.file,
  }
}

const pullFromMirror = { all: undefined, 'digest-only': 'digests', 'tag-only': 'tags' } as const

function decodeMirror(table: Table, byDigestOnly: boolean): MirrorTable {
  const location = locationAt(table, 'location')
  if (location === '') throw mistakeAt(table, ['location'], 'is missing')
  const choice = textAt(table, 'pull-from-mirror') || 'all'
  if (!Object.hasOwn(pullFromMirror, choice)) {
    throw mistakeAt(table, ['pull-from-mirror'], 'must be all, digest-only or tag-only')
  }
  if (byDigestOnly && Object.hasOwn(table.values, 'pull-from-mirror')) {
    throw mistakeAt(table, ['pull-from-mirror'], 'cannot stand beside mirror-by-digest-only')
  }
  const only = byDigestOnly ? 'digests' : pullFromMirror[choice as keyof typeof pullFromMirror]
  return { location, insecure: booleanAt(table, 'insecure'), ...(only && { only }) }
}

function locationAt(table: Table, key: string): string {
  return checkLocation(textAt(table, key) ?? '', table, [key])
}

function checkLocation(text: string, table: Table, keys: KeyPath): string {
  if (text.includes('://')) throw mistakeAt(table, keys, 'must be host[:port][/path], without a scheme')
  return text.replace(/\/+$/, '')
}

function decodeAliases(table: Table, onWarning: (message: string) => void): ReadonlyMap<string, Alias> {
  const entries = Object.keys(table.values).flatMap((name) => {
    const value = orWarning(onWarning, () => textAt(table, name))
    return value === undefined ? [] : [[name, { value, file: table.document.file }] as const]
  })
  return new Map(entries)
}
