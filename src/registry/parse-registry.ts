import { DrayError, quote } from '../errors.ts'
import { isAddress, matchReference } from '../oci/reference-grammar.ts'
import { canonicalRegistry } from './endpoint.ts'

/**
 * Reads the name of a registry: `ghcr.io`, `localhost:5000`. As docker does, takes `https://ghcr.io/` and the address
 * under which docker files Docker Hub for names too; in lower case, as case means nothing in them. Throws USAGE.
 */
export function parseRegistry(text: string): string {
  const [, scheme, host = '', path = ''] = /^(https?:\/\/)?([^/]*)(.*)$/s.exec(text) ?? []
  const isRoot = /^\/?$/.test(path) || (scheme !== undefined && /^\/v[12]\/?$/.test(path))
  if (isRoot && isRegistry(host)) return canonicalRegistry(host.toLowerCase())
  throw new DrayError('USAGE', `${quote(withoutSecret(text))} is no name of a registry`, {
    hint: hintFor(host, path),
  })
}

function isRegistry(host: string): boolean {
  return matchReference(`${host}/name`)?.domain === host && isAddress(host)
}

/** Someone may have put the login in front of the host. */
function withoutSecret(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@')
}

function hintFor(host: string, path: string): string {
  if (host.includes('@')) return 'leave the user name out: -u and --password-stdin are for it'
  return path.length > 1 && isRegistry(host)
    ? `a login is for a whole registry: ${host}`
    : 'it looks like ghcr.io or registry.example:5000'
}
