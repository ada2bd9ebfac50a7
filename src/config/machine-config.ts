import { lookup as systemLookup } from 'node:dns/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProxySettings } from '../http/proxy.ts'
import type { OriginTls } from '../http/tls.ts'
import type { Reference } from '../oci/reference.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import { certsDirectoryTls } from './certs-d.ts'
import { type ContainerdPlaces, readContainerd } from './containerd.ts'
import { readDockerDaemon } from './docker-daemon.ts'
import type { Lookup } from './insecure-registries.ts'
import { once } from './once.ts'
import { readConfigFile } from './read-config-file.ts'
import { registriesConfEndpoints } from './registries-conf.ts'
import { decodeRegistriesConf } from './registries-conf-decode.ts'
import { type RegistriesConfPlace, readRegistriesConf } from './registries-conf-files.ts'
import { findShortName, type ShortName } from './short-name.ts'
import { orWarning } from './table.ts'

/** Where the container tools of this machine keep what they are set up with. */
export interface ConfigPlaces {
  /** The first whose main file is there counts, the last also without it. */
  readonly registriesConf: readonly RegistriesConfPlace[]
  /** Where podman remembers what a short name was taken for. */
  readonly shortNameCache: string
  readonly containerd: ContainerdPlaces
  /** A daemon.json of docker; the first that is there counts. */
  readonly dockerDaemon: readonly string[]
  /** Directories with one for each registry that has certificates of its own. */
  readonly certsDirectories: readonly string[]
}

/** What the container tools of this machine are set up with, each by its own rules. */
export interface MachineConfig {
  /**
   * Where to look for an image, best first, by the first tool that knows its registry: podman, containerd, docker.
   * Undefined when none does. Rejects with POLICY when one forbids it.
   */
  endpointsFor(reference: Reference): Promise<readonly Endpoint[] | undefined>
  /** What a name without a registry stands for by podman's aliases: `fedora` → `registry.fedoraproject.org/fedora`. */
  aliasFor(text: string): Promise<ShortName | undefined>
  /** The certificates for a server in the certs.d of docker, podman and containerd. */
  tlsFor(origin: URL): Promise<OriginTls | undefined>
  /** The proxy that docker's daemon uses. */
  proxy(): Promise<ProxySettings | undefined>
}

/**
 * Reads these places, each file once and when it is first needed. A file that is not there says nothing; one that cannot
 * be read, or makes no sense, is a warning that names file, line and key.
 */
export function readMachineConfig(
  places: ConfigPlaces,
  onWarning: (message: string) => void,
  { lookup = lookupAll }: { readonly lookup?: Lookup } = {},
): MachineConfig {
  const warn = warnOnce(onWarning)
  const registriesConf = once(() => readRegistriesConf(places.registriesConf, warn))
  const rememberedAliases = once(() => readRemembered(places.shortNameCache, warn))
  const containerd = readContainerd(places.containerd, warn)
  const docker = readDockerDaemon(places.dockerDaemon, { lookup, onWarning: warn })
  return {
    async endpointsFor(reference) {
      const { registries } = await registriesConf()
      return (
        registriesConfEndpoints(registries, reference, warn) ??
        (await containerd.endpointsFor(reference)) ??
        (await docker.endpointsFor(reference))
      )
    },
    async aliasFor(text) {
      const { aliases } = await registriesConf()
      const all = new Map([...aliases, ...(await rememberedAliases())])
      return orWarning(warn, () => findShortName(text, all))
    },
    async tlsFor(origin) {
      const found = await certsDirectoryTls(places.certsDirectories, origin, warn)
      return found ?? containerd.tlsFor(origin)
    },
    proxy: () => docker.proxy(),
  }
}

/** The same is said once, however often it is come upon. */
function warnOnce(onWarning: (message: string) => void): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (!said.has(message)) onWarning(message)
    said.add(message)
  }
}

async function readRemembered(file: string, onWarning: (message: string) => void) {
  const text = await readConfigFile(file, onWarning)
  if (text === undefined) return []
  const conf = orWarning(onWarning, () => decodeRegistriesConf(text, file, { version1: false, onWarning }))
  return conf?.aliases ?? []
}

const longestLookup = 3_000

/** Behind a proxy, names of the outside world may never be answered; a network's rule does not apply to them then. */
async function lookupAll(hostname: string): Promise<readonly string[]> {
  const answers = await Promise.race([
    systemLookup(hostname, { all: true }),
    wait(longestLookup, [], { ref: false }),
  ])
  return answers.map(({ address }) => address)
}
