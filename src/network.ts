import { type ConfigPlaces, type MachineConfig, readMachineConfig } from './config/machine-config.ts'
import { isLoopbackHost } from './http/origin.ts'
import type { ProxySettings } from './http/proxy.ts'
import type { ClientCertificate, OriginTls, TlsSettings } from './http/tls.ts'
import {
  type ClosableTransport,
  createUndiciTransport,
  type TransportOptions,
} from './http/undici-transport.ts'
import { parseReference, type Reference } from './oci/reference.ts'
import { defaultEndpoints, type Endpoint, isSameRegistry, type Route } from './registry/endpoint.ts'
import { mirrorEndpoints, parseMirror } from './registry/mirror.ts'
import { tellOnce } from './registry/tell-once.ts'

/** How registries are reached. */
export interface NetworkOptions extends Omit<TransportOptions, 'tls' | 'mayLackTls'> {
  /** Default: verify against Node's own CAs. */
  readonly tls?: TlsOptions | undefined
  /** `[HOST=]URL` of mirrors that are asked before the registry HOST (default: docker.io) itself, in this order. */
  readonly mirrors?: readonly string[] | undefined
  /** What names them, for messages; default: `--mirror`. A variable is for many pulls, and may have nothing for this one. */
  readonly mirrorsFrom?: '--mirror' | 'DRAY_MIRROR' | undefined
  /** Speak http to the registries; default: https, and http only to loopback registries that speak no TLS. */
  readonly plainHttp?: boolean | undefined
  /** Where this machine's container tools keep what they are set up with; default: none of it is read. */
  readonly config?: ConfigPlaces | undefined
  /** Told which file decided something. */
  readonly onNote?: ((message: string) => void) | undefined
}

export interface TlsOptions extends Omit<TlsSettings, 'forOrigin'> {
  /** Shown to the registries that are asked for by name, and to nobody else. */
  readonly clientCertificate?: ClientCertificate | undefined
}

/** The network as these options make it. */
export interface Network<Name extends NetworkName> extends ClosableTransport {
  /** What was asked for, in that order, each with the way to it. */
  readonly routed: readonly (Name & { readonly route: Route })[]
  readonly proxy: ProxySettings
  readonly tls: TlsSettings
}

/** A repository, and what the user typed for it. */
export interface NetworkName {
  readonly reference: Pick<Reference, 'registry' | 'repository'>
  /** Podman's aliases are for what is typed without a registry. */
  readonly text?: string
}

/**
 * Finds the ways to the repositories, flags before files before the registry itself, and opens the network that they lie
 * in. Throws USAGE or FILE when a setting makes no sense, POLICY for a registry that this machine blocks.
 */
export async function openNetwork<Name extends NetworkName>(
  names: readonly Name[],
  options: NetworkOptions,
): Promise<Network<Name>> {
  const { config, onWarning = () => {} } = options
  const machine = config && readMachineConfig(config, onWarning)
  const routed = await Promise.all(
    names.map(async (name) => ({ ...name, route: await findRoute(name, machine, options) })),
  )
  const proxy = await chooseProxy(options.proxy, machine)
  const routes = routed.map(({ route }) => route)
  tellOfIdleMirrors(routes, options)
  const tls = { ...options.tls, forOrigin: trustIn(routes, machine, { ...options.tls, onWarning }) }
  const endpoints = routes.flatMap((route) => route.endpoints)
  const mayLackTls = new Set(endpoints.flatMap(({ root, withoutTls }) => (withoutTls ? [root.origin] : [])))
  return { routed, proxy, tls, ...(await createUndiciTransport({ ...options, proxy, tls, mayLackTls })) }
}

async function findRoute(
  { reference, text }: NetworkName,
  machine: MachineConfig | undefined,
  { mirrors = [], mirrorsFrom = '--mirror', plainHttp, onNote = () => {} }: NetworkOptions,
): Promise<Route> {
  const alias = text === undefined ? undefined : await machine?.aliasFor(text)
  const wanted = alias ? parseReference(alias.reference) : reference
  if (alias) onNote(`${text} is short for ${alias.reference}, as ${alias.file} says`)
  const configured = await machine?.endpointsFor(wanted)
  const endpoints: readonly Endpoint[] = [
    ...mirrors.flatMap((mirror) => mirrorEndpoints(parseMirror(mirror), wanted, mirrorsFrom)),
    ...((!plainHttp && configured) || defaultEndpoints(wanted, { plainHttp })),
  ]
  return { registry: wanted.registry, repository: wanted.repository, endpoints }
}

/** A mirror of the wrong registry would be left out in silence. */
function tellOfIdleMirrors(routes: readonly Route[], options: NetworkOptions): void {
  const { mirrors = [], mirrorsFrom = '--mirror', onWarning, onNote } = options
  const tell = mirrorsFrom === '--mirror' ? onWarning : onNote
  for (const mirror of mirrors) {
    const { registry } = parseMirror(mirror)
    if (routes.some((route) => isSameRegistry(route.registry, registry))) continue
    tell?.(`${mirrorsFrom} ${mirror} is for ${registry}, and no image here is from there`)
  }
}

/** What docker's daemon is set up with comes last. */
async function chooseProxy(
  settings: ProxySettings = {},
  machine: MachineConfig | undefined,
): Promise<ProxySettings> {
  if (settings.https || settings.http || settings.all) return settings
  const daemons = await machine?.proxy()
  return { ...daemons, ...(settings.none !== undefined && { none: settings.none }) }
}

/**
 * A client certificate that was given for a registry never goes to its mirrors, nor to where it redirects. Its CAs, as in
 * docker, vouch for its token server and its blob store as well.
 */
function trustIn(
  routes: readonly Route[],
  machine: MachineConfig | undefined,
  { clientCertificate, insecure, onWarning }: TlsOptions & { readonly onWarning: (message: string) => void },
): (origin: URL) => Promise<OriginTls> {
  const places = routes.flatMap(({ registry, endpoints }) =>
    endpoints.map((endpoint) => ({ ...endpoint, isMirror: endpoint.registry !== registry })),
  )
  const trustOf = async ({ root, tls }: Endpoint) => join([await machine?.tlsFor(root), tls])
  const warnOnce = tellOnce(insecure ? undefined : onWarning)
  return async (origin) => {
    const here = places.filter(({ root }) => root.origin === origin.origin)
    if (here.length === 0) {
      const { caFiles } = join(await Promise.all(places.map(trustOf)))
      return join([await machine?.tlsFor(origin), { caFiles }])
    }
    const lenient = here.find(({ tls }) => tls?.insecure)
    if (lenient?.source && !isLoopbackHost(origin.hostname)) {
      warnOnce(`the certificate of ${origin.host} is not verified, as ${lenient.source} says`)
    }
    const trust = join(await Promise.all(here.map(trustOf)))
    const isNamed = here.some(({ isMirror }) => !isMirror)
    return clientCertificate && isNamed ? { ...trust, clientCertificates: [clientCertificate] } : trust
  }
}

function join(parts: readonly (OriginTls | undefined)[]): Required<OriginTls> {
  return {
    caFiles: [...new Set(parts.flatMap((part) => part?.caFiles ?? []))],
    clientCertificates: parts.flatMap((part) => part?.clientCertificates ?? []),
    insecure: parts.some((part) => part?.insecure),
  }
}
