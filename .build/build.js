// Makes dist/: files for the command line, one for the API, one for its threads, type declarations, and the licences of what is inside.
import { spawn } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { lazyBuiltins } from './lazy-builtins.js'
import { lazyEntries } from './lazy-entries.js'
import { lessUndici } from './less-undici.js'
import { collectLicences } from './licences.js'

/** What the command runs, as CommonJS: Node loads that in half the time, and Node's own modules with it when they are wanted. */
const commandEntries = {
  cli: 'src/cli/launch.ts',
  main: 'src/cli/main.ts',
  'run-command': 'src/cli/run-command.ts',
  terminal: 'src/cli/progress/terminal.ts',
  socks: 'socks',
  // Looked for beside the file that starts threads, wherever in dist/ that is.
  'layer-worker': 'src/archive/layer-worker.ts',
}

const moduleEntries = {
  index: 'src/index.ts',
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
    target: 'node20.18',
    define: { __VERSION__: JSON.stringify(version), 'performance.now': 'millisecondsSinceStart' },
    inject: ['.build/since-start.js'],
    metafile: true,
    // Names stay, and lines are short enough to be shown: where an error happened can be told.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
  }
  /** @type {import('esbuild').BuildOptions} */
  const command = {
    ...options,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    // `import()` would load Node's loader of ES modules.
    supported: { 'dynamic-import': false },
    define: { ...options.define, 'import.meta.url': 'importMetaUrl' },
    banner: { js: `'use strict'; const importMetaUrl = require('node:url').pathToFileURL(__filename).href` },
    plugins: [lessUndici, lazyBuiltins, lazyEntries(commandEntries, '.cjs')],
  }
  const modules = { ...options, format: 'esm', plugins: [lessUndici, lazyBuiltins] }
  // Few files are found and read faster than many: chunks of what several need would be dozens.
  const results = await Promise.all([
    ...Object.entries(commandEntries).map(([name, entry]) =>
      build({ ...command, entryPoints: { [name]: entry } }),
    ),
    ...Object.entries(moduleEntries).map(([name, entry]) =>
      build({ ...modules, entryPoints: { [name]: entry } }),
    ),
  ])
  await removeOthers(results.flatMap(({ metafile }) => Object.keys(metafile.outputs)))
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const packages = inputs.filter((file) => !file.startsWith('builtin:'))
  await writeFile('dist/THIRD-PARTY-LICENSES.txt', await collectLicences([...new Set(packages)]))
}

/**
 * What an earlier build made under other names would be published too.
 * @param {readonly string[]} files
 */
async function removeOthers(files) {
  const kept = ['dist/types', ...files]
  const others = (await readdir('dist')).filter((name) => !kept.includes(`dist/${name}`))
  await Promise.all(others.map((name) => rm(`dist/${name}`)))
}

function declareTypes() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [tsc, '-p', '.build/tsconfig.json'], { stdio: 'inherit' })
      .on('error', reject)
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tsc exited with ${code}`))))
  })
}
