import { resolve } from 'node:path'

/**
 * Loads a file of the bundle from another one with `import()`, where they would become one. What both need is in both.
 * @param {Readonly<Record<string, string>>} entries source files by the names of the bundle's
 * @returns {import('esbuild').Plugin}
 */
export function lazyEntries(entries) {
  const names = new Map(Object.entries(entries).map(([name, file]) => [resolve(file), name]))
  return {
    name: 'lazy-entries',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
        const name = kind === 'dynamic-import' ? names.get(resolve(resolveDir, path)) : undefined
        return name === undefined ? undefined : { path: `./${name}.js`, external: true }
      })
    },
  }
}
