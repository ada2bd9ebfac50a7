/** Under which names docker and podman file what they know about a repository. */

type Entries = Readonly<Record<string, unknown>>

const dockerHub = 'docker.io'
const dockerHubHosts = new Set(['index.docker.io', 'registry-1.docker.io'])

/** What docker calls a registry in its files, and when it talks to helpers: the host, but for Docker Hub. */
export function serverUrl(registry: string): string {
  return registry === dockerHub ? 'https://index.docker.io/v1/' : registry
}

/**
 * The key of the entry for a repository: `host/a/b`, `host/a`, `host`, the longest first, as containers-auth.json(5) has
 * it; each literally before the other ways to write it, as in other letters. Without a repository, for the host only. Never a part of a host name.
 */
export function findKey(entries: Entries, registry: string, repository?: string): string | undefined {
  const keys = Object.keys(entries)
  const normalized = new Map(keys.map((key) => [normalizeKey(key), key]))
  for (const name of namesOf(registry, repository)) {
    const key = Object.hasOwn(entries, name) ? name : normalized.get(name.toLowerCase())
    if (key !== undefined) return key
  }
  return undefined
}

function namesOf(registry: string, repository: string | undefined): readonly string[] {
  const parts = repository?.split('/') ?? []
  return [...parts.map((_, i) => [registry, ...parts.slice(0, parts.length - i)].join('/')), registry]
}

/** `https://host/v1/` is how docker once wrote `host`; Docker Hub goes by several host names. Case means nothing in them. */
export function normalizeKey(key: string): string {
  const [, scheme, name = '', path = ''] = /^(https?:\/\/)?([^/]*)(.*)$/s.exec(key) ?? []
  const host = name.toLowerCase()
  const namespace = scheme !== undefined || /^\/(v[12]\/?)?$/.test(path) ? '' : path
  return (dockerHubHosts.has(host) ? dockerHub : host) + namespace
}
