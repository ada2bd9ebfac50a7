import { DrayError, quote } from '../errors.ts'
import { parseReference } from '../oci/reference.ts'
import { isAddress, matchReference, normalizeReference } from '../oci/reference-grammar.ts'
import type { Alias } from './registries-conf-decode.ts'

/** What podman takes a short name for, with the tag and digest that were typed, and the file that says so. */
export interface ShortName {
  readonly reference: string
  readonly file: string
}

/**
 * What a name that was typed without a registry stands for by the aliases of containers-registries.conf(5); undefined
 * when it has a registry, no alias, or makes no sense. Throws FILE for an alias that makes no sense.
 */
export function findShortName(text: string, aliases: ReadonlyMap<string, Alias>): ShortName | undefined {
  const parts = splitShortName(text)
  const alias = parts && aliases.get(parts.name)
  if (!parts || !alias?.value) return undefined
  if (isFullName(alias.value)) return { reference: `${alias.value}${parts.version}`, file: alias.file }
  throw new DrayError(
    'FILE',
    `${alias.file}: aliases.${quote(parts.name)} must be a name with a registry and without a tag or digest`,
  )
}

/** `org/app:1@sha256:…` → `org/app` and the rest. */
function splitShortName(text: string): { readonly name: string; readonly version: string } | undefined {
  const full = normalizeReference(text)
  const parts = matchReference(full)
  if (!parts || full === text || !full.endsWith(text)) return undefined
  const { tag, digest } = parts
  const version = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
  return { name: text.slice(0, text.length - version.length), version }
}

function isFullName(value: string): boolean {
  const parts = matchReference(value)
  if (!parts?.domain || parts.tag !== undefined || parts.digest !== undefined) return false
  if (!isAddress(parts.domain)) return false
  const { registry } = parseReference(value)
  return registry === parts.domain || parts.domain === 'index.docker.io'
}
