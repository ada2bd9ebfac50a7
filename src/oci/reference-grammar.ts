import { type Digest, digestProblem, parseDigest } from './digest.ts'

/** What stands in an image name, nothing added. */
export interface ReferenceParts {
  readonly domain?: string
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const host = `(?:${label}(?:\\.${label})*|\\[[A-Fa-f0-9:]+\\])`
const reference = new RegExp(
  `^(?:(?<domain>${host}(?::[0-9]+)?)/)?` +
    `(?<path>${component}(?:/${component})*)` +
    '(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?' +
    '(?:@(?<digest>[^@]+))?$',
)

/** In bytes; domain, tag and digest do not count. */
export const longestPath = 255

export const defaultDomain = 'docker.io'
export const defaultNamespace = 'library'
const formerDefaultDomain = 'index.docker.io'

/**
 * Takes an image name apart by the grammar of github.com/distribution/reference; undefined when it does not fit.
 *
 *     reference  := [domain "/"] path [":" tag] ["@" digest]
 *     domain     := (label ("." label)* | "[" IPv6 address "]") [":" port]
 *     label      := letters, digits and "-", beginning and ending with a letter or digit
 *     path       := component ("/" component)*            at most 255 bytes
 *     component  := alphanumeric (separator alphanumeric)*
 *     alphanumeric := [a-z0-9]+
 *     separator  := "." | "_" | "__" | "-"+
 *     tag        := [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
 *     digest     := see parseDigest
 */
export function matchReference(text: string): ReferenceParts | undefined {
  const { domain, path, tag, digest } = reference.exec(text)?.groups ?? {}
  if (path === undefined || path.length > longestPath) return undefined
  if (digest !== undefined && digestProblem(digest)) return undefined
  return {
    ...(domain !== undefined && { domain }),
    path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest: parseDigest(digest) }),
  }
}

/** False for what the grammar takes for a host, and no URL does: `host:99999`, `[::::]`, `1.2.3.999`. */
export function isAddress(domain: string): boolean {
  return URL.canParse(`https://${domain}/`)
}

/**
 * Writes out what docker leaves unsaid: `nginx` is `docker.io/library/nginx`. The first part is a registry if it is
 * `localhost` or has a dot, a colon or an upper-case letter; `localhost:5000` alone is thus an image with a tag.
 */
export function normalizeReference(text: string): string {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const [domain, rest] = looksLikeDomain(first) ? [first, text.slice(slash + 1)] : [defaultDomain, text]
  if (domain !== defaultDomain && domain !== formerDefaultDomain) return `${domain}/${rest}`
  return rest.includes('/') ? `${defaultDomain}/${rest}` : `${defaultDomain}/${defaultNamespace}/${rest}`
}

function looksLikeDomain(first: string): boolean {
  return first === 'localhost' || /[.:A-Z]/.test(first)
}
