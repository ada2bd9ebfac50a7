import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
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

  const failingPull = ['127.0.0.1:1/x', '--retries', '0', '--no-proxy', '*', '--quiet']

  test('loads more than that for a pull, but neither HTTP nor processes', async () => {
    const { exitCode, modules } = await dray(...failingPull)
    expect(exitCode).toBe(5)
    expect(modules).toContain('NativeModule crypto')
    const needless = ['http', 'child_process', 'worker_threads', 'dns/promises', 'perf_hooks']
    expect(needless.filter((name) => modules.includes(`NativeModule ${name}`))).toEqual([])
  })

  describe('keeps what V8 compiles', () => {
    const keptIn = (home: string) =>
      readdirSync(home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath.includes('compiled'))
        .map((entry) => join(entry.parentPath, entry.name))
    const inodesIn = (home: string) => keptIn(home).map((file) => statSync(file).ino)

    test('in the home directory, not where others may write', async () => {
      const { home } = await dray(...failingPull)
      expect(keptIn(home).join()).toMatch(/dray[\\/]compiled[\\/]./)
    })

    test('and finds it fit for the next run', async () => {
      const { home } = await dray(...failingPull)
      const before = inodesIn(home)
      await drayWith({ HOME: home, LOCALAPPDATA: home }, ...failingPull)
      expect(before.length).toBeGreaterThan(0)
      expect(inodesIn(home)).toEqual(before)
    })

    test('and finds it fit after a pull that had its garbage collected, too', async () => {
      const content = createContent()
      addImage(content, buildImage({ layers: [await buildLayer({ big: 'x'.repeat(20e6) })] }), 'team/big:1')
      const server = await serveDuringTest(registry(content))
      const pull = [`${server.host}/team/big:1`, '-q', '-o', join(temporaryDirectory(), 'big.tar')]
      const { exitCode, home } = await dray(...pull)
      const before = inodesIn(home)
      await drayWith({ HOME: home, LOCALAPPDATA: home }, ...pull)
      expect([exitCode, before.length > 0]).toEqual([0, true])
      expect(inodesIn(home)).toEqual(before)
    })

    test('and keeps it anew where it was damaged', async () => {
      const { home } = await dray(...failingPull)
      const whole = keptIn(home).map((file) => readFileSync(file))
      for (const [index, file] of keptIn(home).entries()) {
        const damaged = Buffer.from(whole[index] ?? '')
        damaged.fill(0xa5, damaged.length / 2)
        writeFileSync(file, damaged)
      }
      const { exitCode } = await drayWith({ HOME: home, LOCALAPPDATA: home }, ...failingPull)
      expect(exitCode).toBe(5)
      expect(keptIn(home).map((file) => readFileSync(file).length)).toEqual(
        whole.map(({ length }) => expect.closeTo(length, -4)),
      )
      expect(
        keptIn(home).some((file) =>
          readFileSync(file)
            .subarray(-1000)
            .every((byte) => byte === 0xa5),
        ),
      ).toBe(false)
    })

    test('where NODE_COMPILE_CACHE says, else, from Node 22.1 on', async () => {
      const elsewhere = temporaryDirectory()
      const { home } = await drayWith({ NODE_COMPILE_CACHE: elsewhere }, ...failingPull)
      expect(keptIn(home)).toEqual([])
      expect(readdirSync(elsewhere).length > 0).toBe('enableCompileCache' in nodeModule)
    })

    test('not when NODE_DISABLE_COMPILE_CACHE says so', async () => {
      const { home } = await drayWith({ NODE_DISABLE_COMPILE_CACHE: '1' }, ...failingPull)
      expect(keptIn(home)).toEqual([])
    })

    test('nowhere, in silence, where nothing can be written', async () => {
      const file = join(temporaryDirectory(), 'no-directory')
      writeFileSync(file, '')
      const places = { XDG_CACHE_HOME: file, LOCALAPPDATA: file }
      const { exitCode, stderr } = await drayWith(places, ...failingPull)
      expect([exitCode, stderr.match(/compile|cache|ENOTDIR/)]).toEqual([5, null])
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
    const parts = ['main.cjs', 'run-command.cjs', 'socks.cjs', 'terminal.cjs', 'layer-worker.cjs']
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
