/**
 * The table with the longest prefix of `name`, an image name with nothing left unsaid: `docker.io/library/nginx:1`. A
 * prefix ends where a part of the name ends; `*.example.com` is every host below example.com. The first of equals wins.
 */
export function longestMatch<T extends { readonly prefix: string }>(
  tables: readonly T[],
  name: string,
): T | undefined {
  let longest: T | undefined
  for (const table of tables) {
    const matches = matchLength(table.prefix, name) !== undefined
    if (matches && table.prefix.length > (longest?.prefix.length ?? -1)) longest = table
  }
  return longest
}

/** `name` with `location` in the place of what `prefix` matches. */
export function rewriteName(name: string, prefix: string, location: string): string {
  return `${location}${name.slice(matchLength(prefix, name) ?? 0)}`
}

export function isWildcard(prefix: string): boolean {
  return prefix.startsWith('*.')
}

function matchLength(prefix: string, name: string): number | undefined {
  if (isWildcard(prefix)) {
    const host = name.slice(0, name.search(/[/:@]|$/))
    return host.endsWith(prefix.slice(1)) ? host.length : undefined
  }
  const isMatch = name.startsWith(prefix) && /^[:/@]?$/.test(name.charAt(prefix.length))
  return isMatch ? prefix.length : undefined
}
