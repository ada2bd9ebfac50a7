import { resolve } from 'node:path'

/**
 * Loads a file of the bundle from another one with `import()`, where they would become one. What both need is in both.
 * @param {Readonly<Record<string, string>>} entries source files, or packages, by the names of the bundle's files
 * @param {string} extension of the bundle's files
 * @returns {import('esbuild').Plugin}
 */
export function lazyEntries(entries, extension) {
  const names = new Map(Object.entries(entries).map(([name, source]) => [sourceOf(source), name]))
  return {
    name: 'lazy-entries',
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
        const source = path.startsWith('.') ? resolve(resolveDir, path) : path
        const name = kind === 'dynamic-import' ? names.get(source) : undefined
        return name === undefined ? undefined : { path: `./${name}${extension}`, external: true }
      })
    },
  }
}

/** @param {string} source */
function sourceOf(source) {
  return source.startsWith('src/') ? resolve(source) : source
}
