import type { ProxySettings } from '../http/proxy.ts'
import { type InsecureRegistries, isInsecureEntry, parseInsecureRegistries } from './insecure-registries.ts'
import { parseJson } from './json.ts'
import { mistakeAt, orWarning, type Table, tableAt, textAt, textsAt } from './table.ts'

/** What a daemon.json of docker says about registries and the way to them. */
export interface DaemonJson {
  /** Of Docker Hub, in the order in which they are asked. */
  readonly mirrors: readonly URL[]
  readonly insecure: InsecureRegistries
  readonly proxy: ProxySettings | undefined
  readonly file: string
}

/** Reads a daemon.json. An entry that makes no sense is left out with a warning. Throws FILE when it is no JSON object. */
export function decodeDaemonJson(
  text: string,
  file: string,
  onWarning: (message: string) => void,
): DaemonJson {
  const root = parseJson(text, file)
  const entriesAt = <T>(key: string, parse: (entry: string, place: Place) => T) =>
    (orWarning(onWarning, () => textsAt(root, key)) ?? []).flatMap((entry, index) => {
      const parsed = orWarning(onWarning, () => parse(entry, { table: root, keys: [key, index] }))
      return parsed === undefined ? [] : [parsed]
    })
  return {
    mirrors: entriesAt('registry-mirrors', parseMirrorUrl),
    insecure: parseInsecureRegistries(
      entriesAt('insecure-registries', (entry, { table, keys }) => {
        const host = entry.replace(/^https?:\/\//i, '')
        if (isInsecureEntry(host)) return host
        throw mistakeAt(table, keys, 'must be host[:port] or a network such as 10.0.0.0/8')
      }),
    ),
    proxy: orWarning(onWarning, () => decodeProxies(tableAt(root, 'proxies'))),
    file,
  }
}

interface Place {
  readonly table: Table
  readonly keys: readonly (string | number)[]
}

function parseMirrorUrl(entry: string, { table, keys }: Place): URL {
  const url = URL.canParse(entry) ? new URL(entry) : undefined
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url?.host && isHttp && /^https?:\/\//i.test(entry)) {
    if (!url.username && !url.password && !/[?#]/.test(entry)) return url
  }
  throw mistakeAt(table, keys, 'must be an http or https URL, without user, ? and #')
}

function decodeProxies(table: Table): ProxySettings | undefined {
  const keys = { http: 'http-proxy', https: 'https-proxy', none: 'no-proxy' } as const
  const settings = Object.entries(keys).flatMap(([name, key]) => {
    const value = textAt(table, key)
    return value ? [{ name, value, from: `${key} in ${table.document.file}` }] : []
  })
  if (settings.length === 0) return undefined
  return {
    ...Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    from: Object.fromEntries(settings.map(({ name, from }) => [name, from])),
  }
}
