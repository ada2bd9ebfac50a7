// Makes dist/: one file for the command line, one for the API, type declarations, and the licences of what is inside.
import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { lazyBuiltins } from './lazy-builtins.js'
import { collectLicences } from './licences.js'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await rm('dist/types', { recursive: true, force: true })
await Promise.all([bundle(), declareTypes()])

async function bundle() {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'))
  const { metafile } = await build({
    entryPoints: {
      cli: 'src/cli/main.ts',
      index: 'src/index.ts',
      'layer-worker': 'src/archive/layer-worker.ts',
    },
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.18',
    metafile: true,
    define: { __VERSION__: JSON.stringify(version) },
    plugins: [lazyBuiltins],
  })
  await writeFile('dist/THIRD-PARTY-LICENSES.txt', await collectLicences(Object.keys(metafile.inputs)))
}

function declareTypes() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [tsc, '-p', '.build/tsconfig.json'], { stdio: 'inherit' })
      .on('error', reject)
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tsc exited with ${code}`))))
  })
}
