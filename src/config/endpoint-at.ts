import type { Reference } from '../oci/reference.ts'
import { apiRoot, canonicalRegistry, type Endpoint } from '../registry/endpoint.ts'

/**
 * The endpoint for a repository under `url`, the whole path of an API. What comes after `/v2/` in it is the beginning of
 * the repository's name there: a project of Harbor's.
 */
export function endpointAt(
  url: URL,
  reference: Pick<Reference, 'repository'>,
): Pick<Endpoint, 'root' | 'registry' | 'repository'> {
  const path = url.pathname.split('/').filter(Boolean)
  const version = path.indexOf('v2')
  const end = version === -1 ? path.length : version + 1
  const registry = canonicalRegistry(url.host)
  const origin = registry === 'docker.io' ? apiRoot(registry) : url
  return {
    root: new URL(`/${[...path.slice(0, end), ''].join('/')}`, origin),
    registry,
    repository: [...path.slice(end), reference.repository].join('/'),
  }
}

/** `url` with `/v2` at its end. */
export function withVersion(url: URL): URL {
  const path = url.pathname.replace(/\/+$/, '')
  return new URL(path.endsWith('/v2') ? path : `${path}/v2`, url)
}
