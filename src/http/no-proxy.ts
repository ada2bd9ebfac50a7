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
  const rules = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseItem)
  return (url) => isLoopbackHost(url.hostname) || rules.some((isListed) => isListed(url))
}

function parseItem(item: string): (url: URL) => boolean {
  if (item === '*') return () => true
  // A bare IPv6 address has no port.
  const [, written = item, port] = /^([^:]*|\[.*\]):(\d+)$/.exec(item) ?? []
  const host = plainHost(written)
  const isMeant = parseNetwork(host) ?? parseName(host)
  return (url) => (port === undefined || port === portOf(url)) && isMeant(url.hostname)
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

type HostTest = (hostname: string) => boolean

function parseNetwork(host: string): HostTest | undefined {
  const [network = '', prefix] = host.split('/')
  const address = addressOf(network)
  if (address === undefined) return undefined
  const list = new BlockList()
  const longest = isIP(address) === 4 ? 32 : 128
  const bits = prefix === undefined ? longest : prefixBits(prefix, network, address)
  if (bits >= 0 && bits <= longest) list.addSubnet(address, bits, family(address))
  return (hostname) => {
    const asked = addressOf(hostname)
    return asked !== undefined && list.check(asked, family(asked))
  }
}

/** Of an IPv4 address that is written as IPv6, `::ffff:` takes up some. */
function prefixBits(prefix: string, network: string, address: string): number {
  const isMapped = isIP(address) === 4 && network.includes(':')
  return /^\d{1,3}$/.test(prefix) ? Number(prefix) - (isMapped ? 96 : 0) : -1
}

function parseName(host: string): HostTest {
  const [, dot, name = ''] = /^(\*?\.)?(.*)$/.exec(host) ?? []
  const suffix = `.${domainToASCII(name) || name}`
  return (hostname) => {
    const asked = plainHost(hostname)
    return asked.endsWith(suffix) || (dot === undefined && `.${asked}` === suffix)
  }
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
