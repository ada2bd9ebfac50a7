// Runs a TypeScript file of the checkout on any Node: bundled into memory's neighbour, then imported.
import { rm } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [entry, ...args] = process.argv.slice(2)
const outfile = `node_modules/.cache/dray/${process.pid}.mjs`
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  define: { __VERSION__: '"development"' },
})
process.argv = [process.argv[0], entry, ...args]
try {
  await import(pathToFileURL(outfile))
} finally {
  await rm(outfile, { force: true })
}
