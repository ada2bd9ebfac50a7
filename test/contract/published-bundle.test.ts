import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** Runs a script as an ES module in the checkout; gives what it printed. */
async function run(script: string): Promise<string> {
  const args = ['--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) })
  return stdout
}

describe('the command line', () => {
  const loadedBy = (...args: readonly string[]) =>
    run(`
      const { main } = await import('./dist/cli.js')
      const stream = { on() {}, write() {} }
      const exitCode = await main(${JSON.stringify(['node', 'dray', ...args])}, { stdout: stream, stderr: stream })
      console.log(JSON.stringify([exitCode, process.moduleLoadList]))`)

  test.each(['--help', '--version'])('answers %s without loading TLS, DNS or HTTP', async (flag) => {
    const [exitCode, modules] = JSON.parse(await loadedBy(flag))
    expect(exitCode).toBe(0)
    for (const name of ['tls', 'dns', 'http', 'https', 'zlib']) {
      expect(modules).not.toContain(`NativeModule ${name}`)
    }
  })

  test('loads TLS for a pull', async () => {
    const [exitCode, modules] = JSON.parse(
      await loadedBy('127.0.0.1:1/x', '--retries', '0', '--no-proxy', '*'),
    )
    expect(exitCode).toBe(5)
    expect(modules).toContain('NativeModule tls')
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
