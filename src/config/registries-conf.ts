import { DrayError, quote } from '../errors.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'
import { matchReference } from '../oci/reference-grammar.ts'
import { defaultEndpoints, type Endpoint, overHttp } from '../registry/endpoint.ts'
import type { Location, MirrorTable, RegistryTable } from './registries-conf-decode.ts'
import { longestMatch, rewriteName } from './registries-conf-match.ts'
import { orWarning, withoutUser } from './table.ts'

/**
 * Where podman, skopeo and CRI-O would look for an image, best first, as containers-registries.conf(5) has it; undefined
 * when no `[[registry]]` is about it. Throws POLICY when it is blocked.
 */
export function registriesConfEndpoints(
  tables: readonly RegistryTable[],
  reference: Reference,
  onWarning: (message: string) => void,
): readonly Endpoint[] | undefined {
  const table = longestMatch(tables, formatReference(reference))
  if (!table) return undefined
  if (table.blocked) throw blockedError(table, reference)
  const mirrors = table.mirrors.filter((mirror) => isAskedFor(mirror, reference))
  const endpoints = [...mirrors, table].flatMap(
    (location) => orWarning(onWarning, () => endpointsAt(location, table, reference)) ?? [],
  )
  return endpoints.length > 0 ? endpoints : undefined
}

function blockedError({ prefix, file }: RegistryTable, reference: Reference): DrayError {
  return new DrayError(
    'POLICY',
    `${formatReference(reference)} may not be pulled on this machine: ${file} says blocked for the prefix ${quote(prefix)}`,
    { hint: 'ask whoever set this machine up; --no-system-config leaves such files alone' },
  )
}

/** Which mirrors there are is settled by what was typed, for the whole pull: a tag that a mirror serves comes with its blobs. */
function isAskedFor({ only }: MirrorTable, { digest }: Reference): boolean {
  return only === undefined || (only === 'digests') === (digest !== undefined)
}

function endpointsAt(
  { location, insecure }: Location,
  { prefix, file }: RegistryTable,
  reference: Reference,
): readonly Endpoint[] {
  const target = relocate(reference, { prefix, location, file })
  const isItself = target.registry === reference.registry && target.repository === reference.repository
  return defaultEndpoints(target).map((endpoint) => ({
    ...endpoint,
    ...(insecure && { tls: { insecure: true }, withoutTls: overHttp(endpoint.root) }),
    ...((insecure || !isItself) && { source: file }),
  }))
}

/** An empty location is what only a wildcard may have: the name stays as it is. */
function relocate(
  reference: Reference,
  { prefix, location, file }: { readonly prefix: string; readonly location: string; readonly file: string },
): Reference {
  if (location === '') return reference
  const name = rewriteName(formatReference(reference), prefix, location)
  const target = parseTarget(name)
  // Of a location that has a tag of its own, another image would come.
  if (target && target.tag === reference.tag && target.digest === reference.digest) return target
  throw new DrayError(
    'FILE',
    `${file}: the location ${quote(withoutUser(location))} of the prefix ${quote(prefix)} makes no name of this image ` +
      `out of ${formatReference(reference)}`,
  )
}

/** Undefined for a name whose first part docker would not take for a registry: it would mean Docker Hub. */
function parseTarget(name: string): Reference | undefined {
  const domain = matchReference(name)?.domain
  if (domain === undefined || !URL.canParse(`https://${domain}/`)) return undefined
  const { registry, ...target } = parseReference(name)
  return registry === domain || domain === 'index.docker.io' ? { registry, ...target } : undefined
}
