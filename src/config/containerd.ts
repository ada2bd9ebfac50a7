import { join } from 'node:path'
import type { OriginTls } from '../http/tls.ts'
import type { Reference } from '../oci/reference.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import { canonicalRegistry } from '../registry/endpoint.ts'
import { readCertsDirectory } from './certs-d.ts'
import { type ContainerdConfig, configEndpoints, decodeContainerdConfig } from './containerd-config.ts'
import { hostsEndpoints } from './hosts-endpoints.ts'
import { decodeHostsToml } from './hosts-toml.ts'
import { once } from './once.ts'
import { isDirectory, isListable, readConfigFile, readFirstFile } from './read-config-file.ts'
import { orWarning } from './table.ts'

export interface ContainerdPlaces {
  /** A config.toml; the first that is there counts. */
  readonly configs: readonly string[]
  /** Directories with one for each registry that the user's own tools look into, whatever the config.toml says. */
  readonly userHosts: readonly string[]
  /** Such directories for when the config.toml names none and has no tables of mirrors. */
  readonly systemHosts: readonly string[]
}

/** What containerd, ctr and nerdctl are set up with. */
export interface Containerd {
  /** Undefined when it says nothing of the registry. */
  endpointsFor(reference: Reference): Promise<readonly Endpoint[] | undefined>
  /** The certificates in the directory of a registry that has no hosts.toml. */
  tlsFor(origin: URL): Promise<OriginTls | undefined>
}

/** Reads the config.toml once and when it is first needed, the directories of the registries when they are asked for. */
export function readContainerd(places: ContainerdPlaces, onWarning: (message: string) => void): Containerd {
  const config = once(() => readConfig(places, onWarning))
  const find = async (registry: string) => {
    const roots = [...places.userHosts, ...systemRoots(places, await config())]
    const directory = findDirectory(roots, registry)
    return directory === undefined ? undefined : readDirectory(directory, onWarning)
  }
  return {
    async endpointsFor(reference) {
      const found = await find(reference.registry)
      if (found) return found.hosts && hostsEndpoints(found.hosts, reference, found.file)
      const tables = await config()
      return tables && configEndpoints(tables, reference)
    },
    async tlsFor(origin) {
      const found = await find(canonicalRegistry(origin.host))
      if (!found || found.hosts || !(await isListable(found.directory))) return undefined
      return readCertsDirectory(found.directory, onWarning)
    },
  }
}

/** What the directory of a registry has; no hosts when there is no hosts.toml, or one that makes no sense. */
async function readDirectory(directory: string, onWarning: (message: string) => void) {
  const file = join(directory, 'hosts.toml')
  const text = await readConfigFile(file, onWarning)
  const hosts = text === undefined ? undefined : orWarning(onWarning, () => decodeHostsToml(text, file))
  return { directory, file, hosts }
}

async function readConfig(
  { configs }: ContainerdPlaces,
  onWarning: (message: string) => void,
): Promise<ContainerdConfig | undefined> {
  const found = await readFirstFile(configs, onWarning)
  return found && orWarning(onWarning, () => decodeContainerdConfig(found.text, found.file))
}

function systemRoots(
  { systemHosts }: ContainerdPlaces,
  config: ContainerdConfig | undefined,
): readonly string[] {
  if (config && config.configPath.length > 0) return config.configPath
  return config && (config.mirrors.size > 0 || config.tls.size > 0) ? [] : systemHosts
}

/** The first directory there is for a registry, `_default` standing for all that have none beside it. */
function findDirectory(roots: readonly string[], registry: string): string | undefined {
  const names = directoryNames(registry)
  return roots.flatMap((root) => names.map((name) => join(root, name))).find(isDirectory)
}

/** containerd's names for `host:port`: one that every file system takes, and its own, which Windows has without the colon. */
export function directoryNames(registry: string, platform: string = process.platform): readonly string[] {
  const [, host, port] = /^(.*):(\d+)$/.exec(registry) ?? []
  const portable = host === undefined ? [] : [`${host}_${port}_`]
  return [...portable, platform === 'win32' ? registry.replaceAll(':', '') : registry, '_default']
}
