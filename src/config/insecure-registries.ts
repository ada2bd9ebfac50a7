import { BlockList, isIP } from 'node:net'
import { addressOf } from '../http/origin.ts'

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
  const loopback = networksOf(['127.0.0.0/8', '::1/128'])
  const networks = networksOf(entries)
  return async (registry, lookup) => {
    if (hosts.has(registry.toLowerCase())) return true
    const { hostname } = new URL(`http://${registry}/`)
    const address = addressOf(hostname)
    if (address !== undefined) return isIn(loopback, address) || isIn(networks, address)
    if (hostname === 'localhost') return true
    if (networks.size === 0) return false
    const addresses = await lookup(hostname).catch(() => [])
    return addresses.some((each) => isIn(networks, each))
  }
}

/** True for `host[:port]` and for a network. */
export function isInsecureEntry(entry: string): boolean {
  return /^[^/@?#\s]+$/.test(entry) || isNetwork(entry)
}

interface Networks {
  readonly list: BlockList
  readonly size: number
}

function networksOf(entries: readonly string[]): Networks {
  const networks = entries.filter(isNetwork)
  const list = new BlockList()
  for (const entry of networks) {
    const [address = '', prefix] = entry.split('/')
    list.addSubnet(address, Number(prefix), familyOf(address))
  }
  return { list, size: networks.length }
}

/** True for an address and the length of its prefix: `10.0.0.0/8`. */
function isNetwork(entry: string): boolean {
  const [, address = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? []
  return isIP(address) !== 0 && Number(prefix) <= (isIP(address) === 4 ? 32 : 128)
}

function isIn({ list }: Networks, address: string): boolean {
  return list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
