import { isIP } from 'node:net'

/** True when scheme, host and port are the same: the only place where credentials for `a` may go. */
export function sameOrigin(a: URL, b: URL): boolean {
  return a.origin === b.origin
}

/** True for names and addresses that are this machine by definition: `localhost`, `*.localhost`, 127.0.0.0/8, `::1`. */
export function isLoopbackHost(hostname: string): boolean {
  const address = addressOf(hostname)
  if (address !== undefined) return address === '::1' || address.startsWith('127.')
  const name = plainHost(hostname)
  return name === 'localhost' || name.endsWith('.localhost')
}

/**
 * The IP address that a URL's hostname spells, in one form for all spellings: no brackets, IPv6 compressed, `::ffff:1.2.3.4`
 * as `1.2.3.4`. Undefined when it is a name.
 */
export function addressOf(hostname: string): string | undefined {
  const host = plainHost(hostname)
  if (isIP(host) === 4) return host
  if (isIP(host) !== 6 || host.includes('%')) return undefined
  const address = new URL(`http://[${host}]`).hostname.slice(1, -1)
  return address.startsWith('::ffff:') ? (dottedQuad(address.slice('::ffff:'.length)) ?? address) : address
}

/** A hostname in lower case, without an IPv6 address's brackets or the root's dot. */
export function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

/** `7f00:1` → `127.0.0.1`: two groups of an IPv6 address that hold an IPv4 one. */
export function dottedQuad(groups: string): string | undefined {
  const [high, low, ...others] = groups.split(':').map((group) => Number.parseInt(group || '0', 16))
  if (high === undefined || low === undefined || others.length > 0) return undefined
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
