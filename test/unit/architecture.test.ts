import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  globalsOf,
  importsOf,
  readSources,
  type SourceFile,
  type SourceImport,
} from '../support/read-source.ts'

interface Layer {
  /** Layers that it may import besides itself. */
  readonly layers?: readonly string[]
  /** Layers of which it may know the types only. */
  readonly types?: readonly string[]
  /** npm packages, each with the files that may know it. */
  readonly packages?: Readonly<Record<string, RegExp>>
  /** Modules of Node through which it may touch the world. */
  readonly worldly?: readonly string[]
}

const belowCli = [
  'errors',
  'oci',
  'events',
  'streams',
  'http',
  'auth',
  'store',
  'registry',
  'config',
  'network',
  'image',
  'archive',
  'verify',
  'doctor',
  'plan',
  'pull',
]

/** Who may import whom. */
const architecture: Readonly<Record<string, Layer>> = {
  errors: {},
  oci: { layers: ['errors'] },
  events: { types: ['oci'] },
  streams: {
    layers: ['errors', 'oci'],
    packages: { fzstd: /\/decoders\.ts$/, minizlib: /\/decoders\.ts$/ },
    worldly: ['fs'],
  },
  http: {
    layers: ['errors'],
    packages: { undici: /\/(undici-transport|undici-parts\.d|connect)\.ts$/, socks: /\/socks\.ts$/ },
    worldly: ['fs', 'net', 'tls', 'dns', 'http'],
  },
  auth: { layers: ['errors', 'streams', 'http'], worldly: ['fs', 'child_process'] },
  store: { layers: ['errors', 'oci', 'streams'], worldly: ['fs'] },
  registry: { layers: ['errors', 'oci', 'streams', 'http', 'auth'] },
  config: {
    layers: ['errors', 'oci', 'streams', 'http', 'registry'],
    packages: { 'smol-toml': /\/toml\.ts$/ },
    worldly: ['fs', 'dns'],
  },
  network: { layers: ['errors', 'oci', 'http', 'registry', 'config'] },
  image: { layers: ['errors', 'oci', 'events', 'registry', 'store'] },
  archive: {
    layers: ['errors', 'oci', 'streams', 'store'],
    types: ['image'],
    packages: { 'tar-stream': /\/tar\.ts$/ },
    worldly: ['fs', 'worker_threads'],
  },
  verify: {
    layers: ['errors', 'oci', 'streams'],
    worldly: ['fs'],
  },
  doctor: {
    layers: ['errors', 'oci', 'events', 'http', 'auth', 'registry', 'config', 'network', 'image'],
    worldly: ['net', 'tls', 'dns'],
  },
  plan: { layers: ['errors', 'oci', 'archive'], types: ['events', 'auth', 'network'] },
  pull: { layers: belowCli },
  index: { layers: belowCli },
  cli: {
    layers: belowCli,
    packages: { commander: /^cli\//, chalk: /^cli\//, ora: /^cli\/progress\// },
    worldly: ['fs'],
  },
}

/** Modules of Node that read or change something outside of the process. */
const worldlyModules =
  /^(fs|net|tls|dns|http|https|http2|dgram|child_process|cluster|worker_threads|tty|readline|inspector)(\/|$)/

/** Of these modules, arithmetic on addresses. */
const harmlessNames = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList'])

const terminalGlobals =
  /^(console|process\.(env|argv|exit|exitCode|reallyExit|kill|on|once|stdin|stdout|stderr))$/

/** Signal 0 only asks whether a process lives. */
const exceptions: Readonly<Record<string, readonly string[]>> = { 'process.kill': ['streams/claim.ts'] }

describe('the architecture', () => {
  test('holds', { timeout: 60_000 }, () => {
    expect(readSources().flatMap(breachesOf)).toEqual([])
  })

  test('knows every layer there is', () => {
    expect([...new Set(readSources().map(layerOf))].sort()).toEqual(Object.keys(architecture).sort())
  })

  test.each([
    ['oci/a.ts', `import { x } from '../http/x.ts'`, 'oci/a.ts may not import http'],
    ['oci/a.ts', `export { x } from '../http/x.ts'`, 'oci/a.ts may not import http'],
    ['oci/a.ts', `const x = await import('../http/x.ts')`, 'oci/a.ts may not import http'],
    ['http/a.ts', `import type { Digest } from '../oci/digest.ts'`, 'http/a.ts may not import oci'],
    [
      'archive/a.ts',
      `import { image } from '../image/image.ts'`,
      'archive/a.ts may import types only from image',
    ],
    ['image/a.ts', `import { pull } from '../pull.ts'`, 'image/a.ts may not import pull'],
    ['pull.ts', `import { main } from './cli/main.ts'`, 'pull.ts may not import cli'],
    ['http/retry.ts', `import { request } from 'undici'`, 'http/retry.ts may not know undici'],
    [
      'http/retry.ts',
      `import Agent from 'undici/lib/dispatcher/agent.js'`,
      'http/retry.ts may not know undici/lib/dispatcher/agent.js',
    ],
    ['archive/a.ts', `import tar from 'tar-stream'`, 'archive/a.ts may not know tar-stream'],
    ['cli/main.ts', `import ora from 'ora'`, 'cli/main.ts may not know ora'],
    [
      'oci/a.ts',
      `import { readFile } from 'node:fs/promises'`,
      'oci/a.ts may not touch the world through fs/promises',
    ],
    [
      'auth/a.ts',
      `import { connect, isIP } from 'node:net'`,
      'auth/a.ts may not touch the world through net',
    ],
    ['registry/a.ts', `import net from 'node:net'`, 'registry/a.ts may not touch the world through net'],
    ['oci/a.ts', `console.log(1)`, 'oci/a.ts may not use console'],
    ['http/a.ts', `const x = process.env.X`, 'http/a.ts may not use process.env'],
    ['pull.ts', `process.exit(1)`, 'pull.ts may not use process.exit'],
    ['archive/a.ts', `process.stdout.write('')`, 'archive/a.ts may not use process.stdout'],
    ['cli/main.ts', `const x = process.env`, 'cli/main.ts may not use process.env'],
    ['http/a.ts', `import { env } from 'node:process'`, 'http/a.ts may not use process.env'],
    ['streams/a.ts', `import { kill } from 'node:process'`, 'streams/a.ts may not use process.kill'],
  ])('%s: a breach is found in %s', (path, text, breach) => {
    expect(breachesOf({ path, text })).toEqual([breach])
  })

  test.each([
    ['events.ts', `import type { Digest } from './oci/digest.ts'`],
    ['archive/a.ts', `import { type Image, type Layer } from '../image/image.ts'`],
    ['archive/tar.ts', `import tar from 'tar-stream'`],
    ['oci/a.ts', `import { createHash } from 'node:crypto' // never process.env`],
    ['auth/a.ts', `import { isIP as f } from 'node:net'`],
    ['cli/environment.ts', `const x = process.env`],
  ])('%s: allowed is %s', (path, text) => {
    expect(breachesOf({ path, text })).toEqual([])
  })
})

function breachesOf(file: SourceFile): readonly string[] {
  const imports = importsOf(file)
  const ofProcess = imports.filter(({ specifier }) => specifier === 'node:process')
  const globals = [
    ...globalsOf(file),
    ...ofProcess.flatMap(({ names }) => names.map((name) => `process.${name}`)),
  ]
  const problems = [...imports.map((found) => importProblem(file, found)), ...globals.map(globalProblem)]
  return problems.filter((problem) => problem !== undefined).map((problem) => `${file.path} ${problem}`)

  function globalProblem(name: string): string | undefined {
    const allowed =
      exceptions[name]?.includes(file.path) ??
      (layerOf(file) === 'cli' && (name !== 'process.env' || file.path === 'cli/environment.ts'))
    return terminalGlobals.test(name) && !allowed ? `may not use ${name}` : undefined
  }
}

function importProblem(file: SourceFile, { specifier, names, typeOnly }: SourceImport): string | undefined {
  const own = layerOf(file)
  const { layers = [], types = [], packages = {}, worldly = [] } = architecture[own] ?? {}
  if (specifier.startsWith('.')) {
    const target = layerOf({ path: posix.join(posix.dirname(file.path), specifier) })
    if (target === own || layers.includes(target) || (typeOnly && types.includes(target))) return undefined
    return types.includes(target) ? `may import types only from ${target}` : `may not import ${target}`
  }
  if (specifier.startsWith('node:')) {
    const name = specifier.slice('node:'.length)
    const harmless = typeOnly || !worldlyModules.test(name) || names.every((each) => harmlessNames.has(each))
    return harmless || worldly.includes(name.split('/')[0] ?? '')
      ? undefined
      : `may not touch the world through ${name}`
  }
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  return packages[name]?.test(file.path) ? undefined : `may not know ${specifier}`
}

/** The first directory of the path, or the file's name where it has none. */
function layerOf({ path }: Pick<SourceFile, 'path'>): string {
  return path.replace(/(\/|\.ts$).*/, '')
}
