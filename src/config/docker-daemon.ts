import type { ProxySettings } from '../http/proxy.ts'
import type { Reference } from '../oci/reference.ts'
import { defaultEndpoints, type Endpoint, overHttp } from '../registry/endpoint.ts'
import { type DaemonJson, decodeDaemonJson } from './daemon-json.ts'
import { endpointAt, withVersion } from './endpoint-at.ts'
import type { Lookup } from './insecure-registries.ts'
import { once } from './once.ts'
import { readFirstFile } from './read-config-file.ts'
import { orWarning } from './table.ts'

/** What docker's daemon is set up with. */
export interface DockerDaemon {
  /** Undefined when it says nothing of the registry. */
  endpointsFor(reference: Reference): Promise<readonly Endpoint[] | undefined>
  proxy(): Promise<ProxySettings | undefined>
}

/** Reads the first of these daemon.json files that is there, when it is first needed. */
export function readDockerDaemon(
  files: readonly string[],
  options: { readonly lookup: Lookup; readonly onWarning: (message: string) => void },
): DockerDaemon {
  const { lookup, onWarning } = options
  const daemon = once(async () => {
    const found = await readFirstFile(files, onWarning)
    return found && orWarning(onWarning, () => decodeDaemonJson(found.text, found.file, onWarning))
  })
  return {
    async endpointsFor(reference) {
      const found = await daemon()
      return found && daemonEndpoints(found, reference, lookup)
    },
    proxy: async () => (await daemon())?.proxy,
  }
}

/** Mirrors are Docker Hub's only. Where http may take the place of https, docker means the registry itself, never a mirror. */
async function daemonEndpoints(
  { mirrors, insecure, file }: DaemonJson,
  reference: Reference,
  lookup: Lookup,
): Promise<readonly Endpoint[] | undefined> {
  const own = defaultEndpoints(reference)
  if (reference.registry === 'docker.io') {
    const mirrored = await Promise.all(mirrors.map(mirrorEndpoint))
    return mirrored.length > 0 ? [...mirrored, ...own] : undefined
  }
  if (!(await insecure(reference.registry, lookup))) return undefined
  return own.map((endpoint) => ({
    ...endpoint,
    tls: { insecure: true },
    withoutTls: overHttp(endpoint.root),
    source: file,
  }))

  async function mirrorEndpoint(url: URL): Promise<Endpoint> {
    const isInsecure = url.protocol === 'https:' && (await insecure(url.host, lookup))
    const endpoint = endpointAt(withVersion(url), reference)
    return { ...endpoint, ...(isInsecure && { tls: { insecure: true } }), source: file }
  }
}
