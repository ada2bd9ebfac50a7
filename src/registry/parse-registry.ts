import { DrayError, quote } from '../errors.ts'
import { matchReference } from '../oci/reference-grammar.ts'
import { canonicalRegistry } from './mirror.ts'

/**
 * Reads the name of a registry: `ghcr.io`, `localhost:5000`. As docker does, takes `https://ghcr.io/` and the address
 * under which docker files Docker Hub for names too. Throws USAGE.
 */
export function parseRegistry(text: string): string {
  const [, scheme, host = '', path = ''] = /^(https?:\/\/)?([^/]*)(.*)$/s.exec(text) ?? []
  const isRoot = /^\/?$/.test(path) || (scheme !== undefined && /^\/v[12]\/?$/.test(path))
  if (isRoot && matchReference(`${host}/name`)?.domain === host) return canonicalRegistry(host)
  throw new DrayError('USAGE', `${quote(withoutSecret(text))} is no name of a registry`, {
    hint: hintFor(host, path),
  })
}

/** Someone may have put the login in front of the host. */
function withoutSecret(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@')
}

function hintFor(host: string, path: string): string {
  if (host.includes('@')) return 'leave the user name out: -u and --password-stdin are for it'
  return path.length > 1 && matchReference(`${host}/name`)?.domain === host
    ? `a login is for a whole registry: ${host}`
    : 'it looks like ghcr.io or registry.example:5000'
}
