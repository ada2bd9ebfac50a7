import { DrayError, quote } from '../errors.ts'
import { isLoopbackHost } from '../http/origin.ts'
import type { Reference } from '../oci/reference.ts'
import { matchReference } from '../oci/reference-grammar.ts'
import { canonicalRegistry, type Endpoint, isSameRegistry, overHttp } from './endpoint.ts'

/** A server that is to be asked before a registry. */
export interface Mirror {
  readonly registry: string
  /** http or https; its path is a prefix. */
  readonly url: URL
}

/**
 * Reads `[HOST=]URL`: the registry that is mirrored (default: docker.io), and where. The URL is https where it has no
 * scheme. Throws USAGE; a message never holds the secrets that a URL may carry.
 */
export function parseMirror(text: string): Mirror {
  const [, host = 'docker.io', address = ''] = /^(?:([^=/]*)=)?(.*)$/s.exec(text.trim()) ?? []
  const registry = canonicalRegistry(host)
  if (matchReference(`${registry}/name`)?.domain !== registry) {
    throw mirrorError(text, 'before the = there must be the name of a registry')
  }
  if (address.startsWith('=')) throw mirrorError(text, 'there is one = too many')
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `https://${address}`
  if (address === '' || !URL.canParse(url)) throw mirrorError(text, 'that is no URL')
  return { registry, url: checkUrl(new URL(url), text) }
}

function checkUrl(url: URL, text: string): URL {
  if (url.username || url.password) {
    throw new DrayError('USAGE', `the URL of the mirror ${url.host} has a user name or password in it`, {
      hint: `a command line is no place for secrets: use dray login ${url.host}`,
    })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw mirrorError(text, 'it must be https:// or http://')
  }
  if (url.search || url.hash) throw mirrorError(text, 'it must end with its path, without ? and #')
  return url
}

/** What has an @ in it may be a password that was taken apart in the wrong place. */
function mirrorError(text: string, problem: string): DrayError {
  const what = text.includes('@') ? 'a mirror' : `the mirror ${quote(text)}`
  return new DrayError('USAGE', `${what} cannot be used: ${problem}`, {
    hint: 'write https://mirror.example for Docker Hub, ghcr.io=https://mirror.example for another registry',
  })
}

/**
 * Where a mirror may serve a repository; nowhere when it is a mirror of another registry. A path with `v2` in it is taken
 * as it is. Any other prefix stands before `/v2/` in docker's mirrors, but in the repository's name where it is a
 * project of Harbor's. Docker's form is asked first, since what does not know it says so at once: Harbor with a web page,
 * others with a 404; while the other form names a repository that may be asked a login for.
 */
export function mirrorEndpoints(
  mirror: Mirror,
  reference: Pick<Reference, 'registry' | 'repository'>,
  source: string,
): readonly Endpoint[] {
  if (!isSameRegistry(mirror.registry, reference.registry)) return []
  return formsOf(mirror.url).map(({ root, prefix }) => ({
    root,
    registry: root.host,
    repository: [...prefix, reference.repository].join('/'),
    namespace: reference.registry,
    source,
    ...(root.protocol === 'https:' && isLoopbackHost(root.hostname) && { withoutTls: overHttp(root) }),
  }))
}

interface Form {
  readonly root: URL
  /** Of the repository's name. */
  readonly prefix: readonly string[]
}

function formsOf(url: URL): readonly Form[] {
  const path = url.pathname.split('/').filter(Boolean)
  const form = (before: readonly string[], prefix: readonly string[]): Form => ({
    root: new URL(`/${[...before, 'v2', ''].join('/')}`, url),
    prefix,
  })
  const version = path.indexOf('v2')
  if (version >= 0) return [form(path.slice(0, version), path.slice(version + 1))]
  return path.length === 0 ? [form([], [])] : [form(path, []), form([], path)]
}
