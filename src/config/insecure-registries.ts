import { BlockList, isIP } from 'node:net'
import { addressOf, isLoopbackHost } from '../http/origin.ts'

/** The addresses of a host name. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** Answers for `host[:port]` whether docker would take any certificate from it, or http. */
export type InsecureRegistries = (registry: string, lookup: Lookup) => Promise<boolean>

/**
 * Reads docker's list of insecure registries: hosts, which match with the port they are written with only, and networks,
 * which match a name by its addresses. This machine itself is always on it.
 */
export function parseInsecureRegistries(entries: readonly string[]): InsecureRegistries {
  const hosts = new Set(entries.map((entry) => entry.toLowerCase()))
  const networks = networksOf(entries)
  return async (registry, lookup) => {
    const { hostname } = new URL(`http://${registry}/`)
    if (hosts.has(registry.toLowerCase()) || isLoopbackHost(hostname)) return true
    if (networks.rules.length === 0) return false
    const address = addressOf(hostname)
    const addresses = address === undefined ? await lookup(hostname).catch(() => []) : [address]
    return addresses.some((each) => networks.check(each, familyOf(each)))
  }
}

/** True for `host[:port]` and for a network. */
export function isInsecureEntry(entry: string): boolean {
  return /^[^/@?#\s]+$/.test(entry) || isNetwork(entry)
}

function networksOf(entries: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const entry of entries.filter(isNetwork)) {
    const [address = '', prefix] = entry.split('/')
    networks.addSubnet(address, Number(prefix), familyOf(address))
  }
  return networks
}

/** True for an address and the length of its prefix: `10.0.0.0/8`. */
function isNetwork(entry: string): boolean {
  const [, address = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? []
  return isIP(address) !== 0 && Number(prefix) <= (isIP(address) === 4 ? 32 : 128)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
