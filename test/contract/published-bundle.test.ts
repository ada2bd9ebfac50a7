import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** Runs a script as an ES module in the checkout; gives what it printed. */
async function run(script: string): Promise<string> {
  const args = ['--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) })
  return stdout
}

/** Runs the published command; tells which of Node's modules it loads. */
function dray(...args: readonly string[]) {
  return drayWith({}, ...args)
}

async function drayWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const directory = temporaryDirectory()
  const loaded = join(directory, 'loaded.json')
  const watcher = join(directory, 'watch.cjs')
  writeFileSync(
    watcher,
    `process.on('exit', () => {
      require('node:fs').writeFileSync(${JSON.stringify(loaded)}, JSON.stringify(process.moduleLoadList))
    })`,
  )
  const { PATH, SystemRoot } = process.env
  const outcome = await promisify(execFile)(
    process.execPath,
    ['--require', watcher, 'bin/dray.js', ...args],
    {
      cwd: fileURLToPath(root),
      env: { PATH, SystemRoot, HOME: directory, LOCALAPPDATA: directory, ...variables },
    },
  ).catch((error) => error)
  const modules: readonly string[] = JSON.parse(readFileSync(loaded, 'utf8'))
  return { exitCode: outcome.code ?? 0, modules, stderr: outcome.stderr, home: directory }
}

describe('the command line', () => {
  // A stdout that is a pipe takes net.
  const expensive = ['tls', 'dgram', 'dns', 'http', 'https', 'zlib', 'crypto', 'child_process']

  test.each(['--help', '--version'])(
    'answers %s without loading TLS, sockets, HTTP or processes',
    async (flag) => {
      const { exitCode, modules } = await dray(flag)
      expect(exitCode).toBe(0)
      expect(expensive.filter((name) => modules.includes(`NativeModule ${name}`))).toEqual([])
    },
  )

  test('loads TLS for a pull', async () => {
    const { exitCode, modules } = await dray('127.0.0.1:1/x', '--retries', '0', '--no-proxy', '*')
    expect(exitCode).toBe(5)
    expect(modules).toContain('NativeModule tls')
  })

  describe('keeps what Node compiles, from 22.1 on', () => {
    const isAble = 'enableCompileCache' in nodeModule
    const keptIn = (home: string) => readdirSync(home, { recursive: true }).join('\n')

    test('in the home directory, not where others may write', async () => {
      const { home } = await dray('--help')
      expect(/dray[\\/]compiled[\\/]./.test(keptIn(home))).toBe(isAble)
    })

    test('where NODE_COMPILE_CACHE says, else', async () => {
      const elsewhere = temporaryDirectory()
      const { home } = await drayWith({ NODE_COMPILE_CACHE: elsewhere }, '--help')
      expect(keptIn(home)).not.toContain('compiled')
      expect(keptIn(elsewhere) !== '').toBe(isAble)
    })

    test('not when NODE_DISABLE_COMPILE_CACHE says so', async () => {
      const { home } = await drayWith({ NODE_DISABLE_COMPILE_CACHE: '1' }, '--help')
      expect(keptIn(home)).not.toContain('compiled')
    })

    test('nowhere, in silence, where nothing can be written', async () => {
      const file = join(temporaryDirectory(), 'no-directory')
      writeFileSync(file, '')
      const { exitCode, stderr } = await drayWith({ XDG_CACHE_HOME: file, LOCALAPPDATA: file }, '--help')
      expect([exitCode, stderr]).toEqual([0, ''])
    })
  })

  test('knows the version of the package', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['bin/dray.js', '--version'], {
      cwd: fileURLToPath(root),
    })
    expect(stdout).toBe(`${manifest.version}\n`)
  })
})

describe('the package', () => {
  test('has no dependencies', () => {
    const names = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']
    expect(names.filter((name) => name in manifest)).toEqual([])
  })

  test('holds all files that its files load', () => {
    const files = readdirSync(new URL('dist', root)).filter((file) => /\.c?js$/.test(file))
    const texts = files.map((file) => readFileSync(new URL(`dist/${file}`, root), 'utf8'))
    const loads = texts.flatMap((text) => [
      ...text.matchAll(/(?:require|import|new URL)\("\.\/([\w-]+\.c?js)"/g),
    ])
    const names = new Set(loads.map(([, name = '']) => name))
    const parts = ['main.cjs', 'run-command.cjs', 'socks.cjs', 'terminal.cjs', 'layer-worker.js']
    expect(names).toEqual(new Set(parts))
    expect(files).toEqual(expect.arrayContaining([...parts, 'cli.cjs', 'index.js']))
    expect(manifest.files).toEqual(['bin', 'dist'])
  })

  test('has an API that needs nothing else', async () => {
    const names = await run(`console.log(Object.keys(await import('./dist/index.js')).sort().join(' '))`)
    expect(names.split(/\s/)).toEqual(expect.arrayContaining(['DrayError', 'parseReference', 'pull']))
  })

  test.each(['chalk', 'commander', 'fzstd', 'ora', 'tar-stream', 'undici'])(
    'brings the licence of %s',
    (name) => {
      const licences = readFileSync(new URL('dist/THIRD-PARTY-LICENSES.txt', root), 'utf8')
      expect(licences).toMatch(new RegExp(`^${name} \\d.*\\n\\n[^-]`, 'm'))
    },
  )
})
