// Makes dist/: files for the command line, one for the API, one for its threads, type declarations, and the licences of what is inside.
import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { lazyBuiltins } from './lazy-builtins.js'
import { lazyEntries } from './lazy-entries.js'
import { collectLicences } from './licences.js'

const entries = {
  cli: 'src/cli/launch.ts',
  main: 'src/cli/main.ts',
  'run-command': 'src/cli/run-command.ts',
  index: 'src/index.ts',
  // Looked for beside the file that starts threads, wherever in dist/ that is.
  'layer-worker': 'src/archive/layer-worker.ts',
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await rm('dist/types', { recursive: true, force: true })
await Promise.all([bundle(), declareTypes()])

async function bundle() {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'))
  /** @type {import('esbuild').BuildOptions} */
  const options = {
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.18',
    define: { __VERSION__: JSON.stringify(version) },
    metafile: true,
    plugins: [lazyBuiltins, lazyEntries(entries)],
  }
  // Few files are found and read faster than many: chunks of what several need would be dozens.
  const results = await Promise.all(
    Object.entries(entries).map(([name, entry]) => build({ ...options, entryPoints: { [name]: entry } })),
  )
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const packages = inputs.filter((file) => !file.startsWith('builtin:'))
  await writeFile('dist/THIRD-PARTY-LICENSES.txt', await collectLicences([...new Set(packages)]))
}

function declareTypes() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [tsc, '-p', '.build/tsconfig.json'], { stdio: 'inherit' })
      .on('error', reject)
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tsc exited with ${code}`))))
  })
}
