import { isLoopbackHost } from '../http/origin.ts'
import type { Reference } from '../oci/reference.ts'
import { defaultEndpoints, type Endpoint, overHttp } from '../registry/endpoint.ts'
import { endpointAt } from './endpoint-at.ts'
import type { Host } from './hosts-toml.ts'

/** Where containerd would look for an image by a hosts.toml, best first. */
export function hostsEndpoints(
  hosts: readonly Host[],
  reference: Reference,
  source: string,
): readonly Endpoint[] {
  return hosts.flatMap((host) => {
    const serves = servesOf(host)
    if (serves === 'nothing') return []
    const { url, headers, tls } = host
    const more = {
      ...(serves !== 'all' && { serves }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(tls && { tls }),
    }
    if (!url) {
      return defaultEndpoints(reference).map((endpoint) => ({
        ...endpoint,
        ...leniency(endpoint.root),
        ...more,
        ...(tls?.insecure && { source }),
      }))
    }
    const endpoint = endpointAt(url, reference)
    const isOther = endpoint.registry !== reference.registry
    return {
      ...endpoint,
      ...(isOther && { namespace: reference.registry }),
      ...(host.isLoopback && leniency(endpoint.root)),
      ...more,
      source,
    }
  })
}

/** containerd asks of a server on this machine no certificate, and none of TLS at a port of its own. */
function leniency(root: URL): Pick<Endpoint, 'tls' | 'withoutTls'> {
  if (!isLoopbackHost(root.hostname)) return {}
  return { tls: { insecure: true }, ...(root.port !== '' && { withoutTls: overHttp(root) }) }
}

function servesOf({ capabilities }: Host): 'all' | 'tags' | 'digests' | 'nothing' {
  const tags = capabilities.includes('resolve')
  const digests = capabilities.includes('pull')
  if (tags && digests) return 'all'
  if (tags) return 'tags'
  return digests ? 'digests' : 'nothing'
}
