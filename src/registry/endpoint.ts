import { isLoopbackHost } from '../http/origin.ts'
import type { OriginTls } from '../http/tls.ts'
import type { Reference } from '../oci/reference.ts'

/** One place that serves a repository. */
export interface Endpoint {
  /** The API's root, with a slash at its end: `https://registry-1.docker.io/v2/`. */
  readonly root: URL
  /** Whose credentials are for it: `docker.io`, `mirror.example:5000`. Credentials of another registry never go there. */
  readonly registry: string
  /** The repository's name there: another one than in the reference where a prefix is rewritten. */
  readonly repository: string
  /** The registry that a mirror is to answer for, sent as `?ns=`. */
  readonly namespace?: string
  /** What it may be asked for; default: both. */
  readonly serves?: 'tags' | 'digests'
  /** Sent along with every request to it (`header` in a hosts.toml). Only to this origin. */
  readonly headers?: Readonly<Record<string, string>>
  /** How its origin is to be trusted. */
  readonly tls?: OriginTls
  /** Where it is served when it turns out to speak no TLS: the same over http. Credentials may go there in the open when `insecure`. */
  readonly withoutTls?: URL
  /** The flag or file that named it; absent for the registry itself. */
  readonly source?: string
}

/** The way to a repository. The names are those that the user typed, wherever it is served. */
export interface Route {
  readonly registry: string
  readonly repository: string
  /** Where it is served, best first; the registry itself, as a rule, is the last. */
  readonly endpoints: readonly Endpoint[]
}

/**
 * Where a registry itself is asked: https; http only when `plainHttp` says so, or when a loopback registry turns out to
 * speak no TLS.
 */
export function defaultEndpoints(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  { plainHttp = false }: { readonly plainHttp?: boolean | undefined } = {},
): readonly Endpoint[] {
  const https = apiRoot(registry)
  const http = overHttp(https)
  if (plainHttp) return [{ root: http, registry, repository }]
  const withoutTls = isLoopbackHost(https.hostname) ? { withoutTls: http } : {}
  return [{ root: https, registry, repository, ...withoutTls }]
}

/** The name of a registry that may be written in several ways: Docker Hub is `docker.io`. */
export function canonicalRegistry(name: string): string {
  return ['index.docker.io', 'registry-1.docker.io'].includes(name) ? 'docker.io' : name
}

/** True for two names of one registry: hosts are the same in any case, and 443 is the port of https anyway. */
export function isSameRegistry(a: string, b: string): boolean {
  const plain = (name: string) => canonicalRegistry(name.toLowerCase().replace(/:443$/, ''))
  return plain(a) === plain(b)
}

/** The API's root of a registry, by its name alone. Docker Hub's API is not served at docker.io. */
export function apiRoot(registry: string): URL {
  return new URL(`https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}/v2/`)
}

/** The same over http. */
export function overHttp(root: URL): URL {
  return withScheme(root, 'http:')
}

/** True for a URL of the server that has this API root, TLS or not; false for where it redirects to. */
export function isServedAt(url: URL, root: URL): boolean {
  return withScheme(root, url.protocol).origin === url.origin
}

function withScheme({ host, pathname }: URL, protocol: string): URL {
  return new URL(`${protocol}//${host}${pathname}`)
}
