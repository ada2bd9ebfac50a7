import type { Digest } from './digest.ts'
import { referenceError } from './reference-error.ts'
import {
  defaultDomain,
  defaultNamespace,
  isAddress,
  matchReference,
  normalizeReference,
} from './reference-grammar.ts'

/** An image name, taken apart and with docker's defaults filled in. */
export interface Reference {
  /** Host, with its port if one was named; `docker.io` for Docker Hub. */
  readonly registry: string
  /** Path within the registry: `library/nginx`. */
  readonly repository: string
  readonly tag?: string
  /** What is pulled, if there is one; a tag beside it is then only a name. */
  readonly digest?: Digest
}

/**
 * Reads an image name as `docker pull` does: `nginx` is `docker.io/library/nginx:latest`. The tag is `latest` where
 * neither tag nor digest is named; `name:tag@digest` keeps both.
 * Throws USAGE, saying what is wrong with the name and what to type instead.
 */
export function parseReference(text: string): Reference {
  const parts = isImageId(text) ? undefined : matchReference(normalizeReference(text))
  if (!parts?.domain || !isAddress(parts.domain)) throw referenceError(text)
  const { domain, path, tag, digest } = parts
  const repository = { registry: domain, repository: path }
  if (digest === undefined) return { ...repository, tag: tag ?? 'latest' }
  return { ...repository, ...(tag !== undefined && { tag }), digest }
}

/** docker takes 64 hex digits for the id of a local image, never for a name. */
function isImageId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** The full name, nothing left unsaid: `docker.io/library/nginx:1@sha256:…`. */
export function formatReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${formatVersion(reference)}`
}

/** The name as docker shows it: `nginx:1@sha256:…`. */
export function familiarReference(reference: Reference): string {
  return `${familiarName(reference)}${formatVersion(reference)}`
}

/** The name without tag and digest as docker shows it: `nginx` for `docker.io/library/nginx`. */
export function familiarName({ registry, repository }: Pick<Reference, 'registry' | 'repository'>): string {
  if (registry !== defaultDomain) return `${registry}/${repository}`
  const [namespace, name, ...deeper] = repository.split('/')
  return namespace === defaultNamespace && name !== undefined && deeper.length === 0 ? name : repository
}

function formatVersion({ tag, digest }: Pick<Reference, 'tag' | 'digest'>): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
