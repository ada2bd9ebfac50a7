import { BlockList, isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { addressOf, isLoopbackHost, plainHost } from './origin.ts'

/**
 * Reads a NO_PROXY list and tells which URLs are reached directly, as Go's programs do (golang.org/x/net/http/httpproxy):
 *
 *     list    = item *( "," item )             white space separates too
 *     item    = "*" / ( host / network ) [":" port]
 *     host    = name / "." name / "*." name    name: itself and all below it; with a dot: only what is below it
 *     network = address ["/" prefix]           IPv6 with or without brackets
 *
 * Loopback is always reached directly. What makes no sense as an item matches nothing.
 */
export function parseNoProxy(text: string): (url: URL) => boolean {
  const rules = parseRules(text)
  return (url) => isLoopbackHost(url.hostname) || isListed(url, rules)
}

interface Rules {
  readonly all: boolean
  /** Address and network rules, by the port that they are for; `''` is any. */
  readonly networks: ReadonlyMap<string, BlockList>
  readonly names: readonly { readonly suffix: string; readonly itself: boolean; readonly port: string }[]
}

function parseRules(text: string): Rules {
  const items = text.split(/[\s,]+/).filter(Boolean)
  const networks = new Map<string, BlockList>()
  const names: { suffix: string; itself: boolean; port: string }[] = []
  for (const item of items) {
    const { host, port } = splitPort(item)
    const list = networks.get(port) ?? new BlockList()
    if (addNetwork(list, host)) networks.set(port, list)
    else if (host !== '') names.push({ ...parseName(host), port })
  }
  return { all: items.includes('*'), networks, names }
}

/** `host:port`, `[address]:port` or without a port; a bare IPv6 address has none. */
function splitPort(item: string): { readonly host: string; readonly port: string } {
  const [, host = item, port = ''] = /^([^:]*|\[.*\]):(\d+)$/.exec(item) ?? []
  return { host: plainHost(host), port }
}

function addNetwork(list: BlockList, host: string): boolean {
  const [network = '', prefix] = host.split('/')
  const address = addressOf(network)
  if (address === undefined) return false
  if (prefix === undefined) list.addAddress(address, family(address))
  else addSubnet(list, address, /^\d{1,3}$/.test(prefix) ? Number(prefix) - mappedBits(network) : -1)
  return true
}

function addSubnet(list: BlockList, address: string, prefix: number): void {
  if (prefix >= 0 && prefix <= (isIP(address) === 4 ? 32 : 128)) {
    list.addSubnet(address, prefix, family(address))
  }
}

/** How many bits of a prefix are used up by the `::ffff:` of an IPv4 address that is written as IPv6. */
function mappedBits(network: string): number {
  return isIP(addressOf(network) ?? '') === 4 && network.includes(':') ? 96 : 0
}

function parseName(host: string): { readonly suffix: string; readonly itself: boolean } {
  const name = host.replace(/^\*(?=\.)/, '')
  const itself = !name.startsWith('.')
  const ascii = domainToASCII(itself ? name : name.slice(1))
  return { suffix: `.${ascii || name}`, itself }
}

function isListed(url: URL, rules: Rules): boolean {
  if (rules.all) return true
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const address = addressOf(url.hostname)
  if (address !== undefined) {
    return ['', port].some((of) => rules.networks.get(of)?.check(address, family(address)))
  }
  const host = plainHost(url.hostname)
  return rules.names.some(
    ({ suffix, itself, port: only }) =>
      (only === '' || only === port) && (host.endsWith(suffix) || (itself && `.${host}` === suffix)),
  )
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
