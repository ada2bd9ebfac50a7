import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/cli/environment.ts'
import type { Flags } from '../../../src/cli/flags.ts'
import { readOptions } from '../../../src/cli/options.ts'

describe('what a pull is told', () => {
  const cases: readonly [string, Flags, Environment, object][] = [
    ['a flag', { output: 'a.tar' }, {}, { output: 'a.tar' }],
    ['a variable', {}, { DRAY_OUTPUT: 'b.tar' }, { output: 'b.tar' }],
    ['a flag before a variable', { output: 'a.tar' }, { DRAY_OUTPUT: 'b.tar' }, { output: 'a.tar' }],
    ['an empty variable is not set', {}, { DRAY_OUTPUT: '' }, { output: undefined }],
    [
      'dray’s platform before docker’s',
      {},
      { DRAY_PLATFORM: 'linux/arm64', DOCKER_DEFAULT_PLATFORM: 'linux/s390x' },
      { platform: 'linux/arm64' },
    ],
    [
      'docker’s platform',
      {},
      { DRAY_PLATFORM: '', DOCKER_DEFAULT_PLATFORM: 'linux/s390x' },
      { platform: 'linux/s390x' },
    ],
    ['format', {}, { DRAY_FORMAT: 'oci' }, { format: 'oci' }],
    ['jobs', {}, { DRAY_JOBS: '8' }, { jobs: 8 }],
    ['a cache', {}, { DRAY_CACHE: '/c' }, { cache: '/c' }],
    ['no cache, whatever the variable says', { cache: false }, { DRAY_CACHE: '/c' }, { cache: undefined }],
    ['seconds as milliseconds', { timeout: '2.5' }, {}, { timeout: 2500 }],
    ['no retries', { retries: '0' }, {}, { retries: 0 }],
    ['plain http', { plainHttp: true }, {}, { plainHttp: true }],
    ['a name', { name: 'app:1' }, {}, { name: 'app:1' }],
  ]
  test.each(cases)('%s', async (_, flags, env, expected) => {
    expect((await readOptions(flags, env, false)).pull).toMatchObject(expected)
  })
})

test('the proxy is read from flags and environment', async () => {
  const { pull } = await readOptions({ noProxy: 'x' }, { HTTPS_PROXY: 'http://p' }, false)
  expect(pull.proxy).toMatchObject({ https: 'http://p', none: 'x' })
})

describe('mirrors', () => {
  const cases: readonly [string, Flags, Environment, readonly string[] | undefined][] = [
    ['none', {}, {}, undefined],
    ['flags', { mirror: ['a', 'b=c'] }, { DRAY_MIRROR: 'd' }, ['a', 'b=c']],
    ['a variable, with commas or spaces', {}, { DRAY_MIRROR: 'a, b=c d' }, ['a', 'b=c', 'd']],
  ]
  test.each(cases)('%s', async (_, flags, env, mirrors) => {
    expect((await readOptions(flags, env, false)).pull.mirrors).toEqual(mirrors)
  })
})

test('what the container tools of the machine are set up with is read, unless --no-system-config', async () => {
  const env = { CONTAINERS_REGISTRIES_CONF: '/a/registries.conf' }
  const read = JSON.stringify((await readOptions({}, env, false)).pull.config)
  expect(read).toContain('/a/registries.conf')
  expect((await readOptions({ noSystemConfig: true }, env, false)).pull.config).toBeUndefined()
})

describe('a usage error', () => {
  const cases: readonly [string, Flags, Environment][] = [
    ['--jobs cannot be "0"', { jobs: '0' }, {}],
    ['--jobs cannot be "65"', { jobs: '65' }, {}],
    ['--jobs cannot be "1.5"', { jobs: '1.5' }, {}],
    ['--jobs cannot be "many"', {}, { DRAY_JOBS: 'many' }],
    ['--jobs cannot be ""', { jobs: '' }, {}],
    ['--retries cannot be "-1"', { retries: '-1' }, {}],
    ['--timeout cannot be "0"', { timeout: '0' }, {}],
    ['--timeout cannot be "1e9"', { timeout: '1e9' }, {}],
    ['--format cannot be "tar"', { format: 'tar' }, {}],
    ['--format cannot be "zip"', {}, { DRAY_FORMAT: 'zip' }],
    ['--progress cannot be "fancy"', { progress: 'fancy' }, {}],
    ['--json and -o - both want stdout', { json: true, output: '-' }, {}],
  ]
  test.each(cases)('%s', async (message, flags, env) => {
    await expect(readOptions(flags, env, false)).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', message }),
    )
  })

  test.each([
    ['x.tar.gz', 'gzip > x.tar.gz'],
    ['x.TGZ', 'gzip > x.TGZ'],
    ['a/x.tar.zst', 'zstd > a/x.tar.zst'],
  ])('-o %s, with the pipe that makes it', async (output, pipe) => {
    const hint = expect.stringContaining(`-o - | ${pipe}`)
    await expect(readOptions({ output }, {}, false)).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', hint }),
    )
  })

  test('an archive for a terminal', async () => {
    await expect(readOptions({ output: '-' }, {}, true)).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
    expect((await readOptions({ output: '-' }, {}, false)).pull.output).toBe('-')
  })

  test.each([
    [{ jobs: '65' }, 'it is a whole number from 1 to 64'],
    [{ timeout: '0' }, 'it is a number from 0.1 to 86400'],
    [{ format: 'x' }, 'it is one of docker, oci'],
  ])('%j says what would do', async (flags, hint) => {
    await expect(readOptions(flags, {}, false)).rejects.toThrow(expect.objectContaining({ hint }))
  })
})

describe('messages', () => {
  const cases: readonly [string, Flags, Environment, object][] = [
    ['auto by default', {}, {}, { mode: 'auto', animate: true, colour: undefined }],
    ['a variable', {}, { DRAY_PROGRESS: 'plain' }, { mode: 'plain' }],
    ['-q is --progress none', { quiet: true, progress: 'tty' }, {}, { mode: 'none' }],
    ['nothing moves in CI', {}, { CI: 'true' }, { animate: false }],
    [
      'nothing moves, nothing is coloured on a dumb terminal',
      {},
      { TERM: 'dumb' },
      { animate: false, colour: false },
    ],
    ['NO_COLOR', {}, { NO_COLOR: '1', FORCE_COLOR: '1' }, { colour: false }],
    ['an empty NO_COLOR says nothing', {}, { NO_COLOR: '', FORCE_COLOR: '1' }, { colour: true }],
    ['FORCE_COLOR before TERM', {}, { FORCE_COLOR: '1', TERM: 'dumb' }, { colour: true }],
    ['FORCE_COLOR=0', {}, { FORCE_COLOR: '0' }, { colour: false }],
  ]
  test.each(cases)('%s', async (_, flags, env, expected) => {
    expect((await readOptions(flags, env, false)).display).toMatchObject(expected)
  })
})

describe('warnings', () => {
  const cases: readonly [string, Flags, Environment, readonly string[]][] = [
    ['none', {}, { HTTPS_PROXY: 'http://p', HTTP_PROXY: 'http://p' }, []],
    ['--insecure', { insecure: true }, {}, ['--insecure']],
    [
      '--insecure, even when quiet',
      { insecure: true, quiet: true },
      { HTTP_PROXY: 'http://p' },
      ['--insecure'],
    ],
    [
      'NODE_TLS_REJECT_UNAUTHORIZED',
      {},
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      ['NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored'],
    ],
    ['HTTP_PROXY alone', {}, { HTTP_PROXY: 'http://p' }, ['HTTP_PROXY is set and HTTPS_PROXY is not']],
    ['HTTP_PROXY alone, with plain http', { plainHttp: true }, { HTTP_PROXY: 'http://p' }, []],
  ]
  test.each(cases)('%s', async (_, flags, env, expected) => {
    expect((await readOptions(flags, env, false)).warnings).toEqual(
      expected.map((text) => expect.stringContaining(text)),
    )
  })
})
