import { dirname, resolve } from 'node:path'
import { isLoopbackHost } from '../http/origin.ts'
import type { OriginTls } from '../http/tls.ts'
import { withVersion } from './endpoint-at.ts'
import { booleanAt, listAt, mistakeAt, type Table, tableAt, textAt, textsAt } from './table.ts'
import { parseToml } from './toml.ts'

/** A server in a hosts.toml. */
export interface Host {
  /** The API's root; absent for the registry itself. */
  readonly url?: URL
  readonly isLoopback: boolean
  readonly capabilities: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly tls: OriginTls | undefined
}

/**
 * Reads a hosts.toml as containerd does: the servers in the order of the file, what `server` says last. Paths in it are
 * relative to its directory. Throws FILE.
 */
export function decodeHostsToml(text: string, file: string): readonly Host[] {
  const root = parseToml(text, file)
  const hosts = tableAt(root, 'host')
  const server = textAt(root, 'server')
  return [
    ...Object.keys(hosts.values).map((address) => decodeHost(tableAt(hosts, address), address)),
    decodeHost(root, server),
  ]
}

function decodeHost(table: Table, address: string | undefined): Host {
  const { url, isLoopback } = decodeAddress(table, address)
  return {
    ...(url && { url }),
    isLoopback,
    capabilities: decodeCapabilities(table),
    headers: decodeHeaders(tableAt(table, 'header')),
    tls: decodeTls(table),
  }
}

/** Only without a scheme is a server on this machine one that may speak http. */
function decodeAddress(
  table: Table,
  address: string | undefined,
): { readonly url?: URL; readonly isLoopback: boolean } {
  const overridePath = booleanAt(table, 'override_path')
  if (!address) return { isLoopback: false }
  const hasScheme = address.includes('://')
  const text = hasScheme ? address : `https://${address}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    const keys = table.path.length === 0 ? ['server'] : []
    throw mistakeAt(table, keys, 'must be the http or https URL of a registry, without user, ? and #')
  }
  const isLoopback = !hasScheme && isLoopbackHost(url.hostname)
  return { url: overridePath ? url : withVersion(url), isLoopback }
}

const knownCapabilities = ['pull', 'resolve', 'push', 'referrers']

function decodeCapabilities(table: Table): readonly string[] {
  const capabilities = textsAt(table, 'capabilities')
  const unknown = capabilities.findIndex((each) => !knownCapabilities.includes(each))
  if (unknown !== -1) {
    throw mistakeAt(table, ['capabilities', unknown], `must be one of ${knownCapabilities.join(', ')}`)
  }
  return capabilities.length > 0 ? capabilities : knownCapabilities
}

function decodeHeaders(table: Table): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(table.values).map((name) => [name, decodeHeader(table, name)]))
}

function decodeHeader(table: Table, name: string): string {
  const value = textOrTexts(table, name).join(', ')
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value
  throw mistakeAt(table, [name], 'is no HTTP header')
}

function decodeTls(table: Table): OriginTls | undefined {
  const inDirectory = (path: string) => resolve(dirname(table.document.file), path)
  const caFiles = textOrTexts(table, 'ca').map(inDirectory)
  const clientCertificates = decodeClients(table).map(([cert, key]) => ({
    certFile: inDirectory(cert),
    keyFile: inDirectory(key || cert),
  }))
  const insecure = booleanAt(table, 'skip_verify')
  if (caFiles.length === 0 && clientCertificates.length === 0 && !insecure) return undefined
  return {
    ...(caFiles.length > 0 && { caFiles }),
    ...(clientCertificates.length > 0 && { clientCertificates }),
    ...(insecure && { insecure }),
  }
}

/** A file with certificate and key, several of them, or pairs of two files; an empty key is in the certificate's file. */
function decodeClients(table: Table): readonly (readonly [string, string])[] {
  const { client } = table.values
  if (typeof client === 'string') return [[client, '']]
  return listAt(table, 'client').map((item, index) => {
    const [cert, key = '', ...others] = Array.isArray(item) ? item : [item]
    if (typeof cert === 'string' && typeof key === 'string' && others.length === 0) return [cert, key]
    throw mistakeAt(table, ['client', index], 'must be a file, or a list of a certificate and its key')
  })
}

function textOrTexts(table: Table, key: string): readonly string[] {
  const value = table.values[key]
  return typeof value === 'string' ? [value] : textsAt(table, key)
}
