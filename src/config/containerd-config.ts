import { delimiter, dirname, resolve } from 'node:path'
import type { OriginTls } from '../http/tls.ts'
import type { Reference } from '../oci/reference.ts'
import { defaultEndpoints, type Endpoint } from '../registry/endpoint.ts'
import { endpointAt } from './endpoint-at.ts'
import { booleanAt, mistakeAt, type Table, tableAt, textAt, textsAt } from './table.ts'
import { parseToml } from './toml.ts'

/** What a config.toml of containerd says about registries. */
export interface ContainerdConfig {
  /** Directories with one for each registry; none where the tables below say it all. */
  readonly configPath: readonly string[]
  /** The servers to ask, by registry; `*` is any other. */
  readonly mirrors: ReadonlyMap<string, readonly URL[]>
  /** By host, of a mirror or a registry. */
  readonly tls: ReadonlyMap<string, OriginTls>
  readonly file: string
}

/** Reads a config.toml of version 1, 2 or 3. Throws FILE. */
export function decodeContainerdConfig(text: string, file: string): ContainerdConfig {
  const root = parseToml(text, file)
  const registry = registryTable(root)
  const configPath = (textAt(registry, 'config_path') ?? '').split(delimiter).filter(Boolean)
  const mirrors = tableAt(registry, 'mirrors')
  const configs = tableAt(registry, 'configs')
  if (configPath.length > 0 && Object.keys(mirrors.values).length > 0) {
    throw mistakeAt(registry, ['mirrors'], 'cannot stand beside config_path')
  }
  return {
    configPath,
    mirrors: new Map(Object.keys(mirrors.values).map((host) => [host, decodeMirror(tableAt(mirrors, host))])),
    tls: new Map(
      Object.keys(configs.values).flatMap((host) => {
        const tls = decodeTls(tableAt(tableAt(configs, host), 'tls'))
        return tls ? [[host, tls] as const] : []
      }),
    ),
    file,
  }
}

const pluginOfVersion: Readonly<Record<number, string>> = {
  1: 'cri',
  2: 'io.containerd.grpc.v1.cri',
  3: 'io.containerd.cri.v1.images',
}

function registryTable(root: Table): Table {
  const { version = 1 } = root.values
  const plugin = typeof version === 'number' ? pluginOfVersion[version] : undefined
  if (plugin === undefined) throw mistakeAt(root, ['version'], 'must be 1, 2 or 3')
  return tableAt(tableAt(tableAt(root, 'plugins'), plugin), 'registry')
}

/** Unlike in a hosts.toml, a path is taken as it is. */
function decodeMirror(table: Table): readonly URL[] {
  return textsAt(table, 'endpoint').map((text, index) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
      throw mistakeAt(table, ['endpoint', index], 'must be an http or https URL, without user, ? and #')
    }
    return url.pathname === '/' ? new URL('/v2', url) : url
  })
}

function decodeTls(table: Table): OriginTls | undefined {
  const inDirectory = (path: string) => resolve(dirname(table.document.file), path)
  const ca = textAt(table, 'ca_file')
  const cert = textAt(table, 'cert_file')
  const key = textAt(table, 'key_file')
  const insecure = booleanAt(table, 'insecure_skip_verify')
  if (!cert !== !key) throw mistakeAt(table, [cert ? 'key_file' : 'cert_file'], 'is missing')
  if (!ca && !cert && !insecure) return undefined
  return {
    ...(ca && { caFiles: [inDirectory(ca)] }),
    ...(cert && key && { clientCertificates: [{ certFile: inDirectory(cert), keyFile: inDirectory(key) }] }),
    ...(insecure && { insecure }),
  }
}

/** Where containerd would look for an image by the tables of its config.toml; undefined when they say nothing of it. */
export function configEndpoints(
  { mirrors, tls, file }: ContainerdConfig,
  reference: Reference,
): readonly Endpoint[] | undefined {
  const urls = mirrors.get(reference.registry) ?? mirrors.get('*') ?? []
  const own = defaultEndpoints(reference).map((endpoint) => withTls(endpoint, file))
  const mirrored = urls.map((url) => {
    const endpoint = endpointAt(url, reference)
    const isOther = endpoint.registry !== reference.registry
    return withTls({ ...endpoint, ...(isOther && { namespace: reference.registry }), source: file })
  })
  const isNamed = mirrored.some(({ registry }) => registry === reference.registry)
  const endpoints = isNamed ? mirrored : [...mirrored, ...own]
  return mirrored.length > 0 || own.some((endpoint) => endpoint.tls) ? endpoints : undefined

  function withTls(endpoint: Endpoint, source?: string): Endpoint {
    const found = tls.get(endpoint.root.host)
    return found ? { ...endpoint, tls: found, ...(source !== undefined && { source }) } : endpoint
  }
}
