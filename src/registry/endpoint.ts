import { isLoopbackHost, sameOrigin } from '../http/origin.ts'
import type { Reference } from '../oci/reference.ts'

/** Where a registry's API is served: `/v2/` stands under `url`. */
export interface Endpoint {
  readonly url: URL
}

/**
 * The endpoints to ask for a reference, best first: https; http only when `plainHttp` says so. A loopback registry
 * gets both, http second, for a server that speaks no TLS.
 */
export function endpointsFor(
  { registry }: Pick<Reference, 'registry'>,
  { plainHttp = false }: { readonly plainHttp?: boolean | undefined } = {},
): readonly Endpoint[] {
  const host = registryHost(registry)
  const https = { url: new URL(`https://${host}/`) }
  const http = { url: new URL(`http://${host}/`) }
  if (plainHttp) return [http]
  return isLoopbackHost(https.url.hostname) ? [https, http] : [https]
}

/** True for a URL of the registry itself; false for where it redirects to. */
export function isAtRegistry(url: URL, registry: string): boolean {
  return endpointsFor({ registry }, { plainHttp: url.protocol === 'http:' }).some((own) =>
    sameOrigin(own.url, url),
  )
}

/** Docker Hub's API is not served at docker.io. */
function registryHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry
}
