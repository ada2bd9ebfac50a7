import { matchReference, normalizeReference } from '../oci/reference-grammar.ts'

/** What an engine has to know of a name in an archive. */
export type NameKind =
  /** `docker.io/library/nginx:1` */
  | 'full'
  /** `nginx:1`: without a registry. */
  | 'short'
  /** `nginx` */
  | 'untagged'
  /** `nginx@sha256:…`, with a tag or without. */
  | 'digest'
  /** `[::1]:5000/nginx:1` */
  | 'IPv6'
  | 'invalid'

/** Which kind of name that is, by docker's grammar. */
export function kindOfName(name: string): NameKind {
  const parts = matchReference(normalizeReference(name))
  if (!parts) return 'invalid'
  if (parts.digest !== undefined) return 'digest'
  if (parts.tag === undefined) return 'untagged'
  if (parts.domain?.startsWith('[')) return 'IPv6'
  return /^(localhost|[^/]*[.:][^/]*)\//.test(name) ? 'full' : 'short'
}
