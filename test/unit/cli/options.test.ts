import { describe, expect, test } from 'vitest'
import type { Flags } from '../../../src/cli/command.ts'
import type { Environment } from '../../../src/cli/environment.ts'
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
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(readOptions(flags, env, false).pull).toMatchObject(expected)
  })
})

describe('the proxy', () => {
  const cases: readonly [string, Flags, Environment, object][] = [
    ['none', {}, {}, {}],
    [
      'both variables',
      {},
      { HTTPS_PROXY: 'http://s', HTTP_PROXY: 'http://h' },
      { https: 'http://s', http: 'http://h' },
    ],
    [
      'lower case',
      {},
      { https_proxy: 'http://s', http_proxy: 'http://h', no_proxy: 'x' },
      { https: 'http://s', http: 'http://h', none: 'x' },
    ],
    [
      'upper case before lower case',
      {},
      { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' },
      { https: 'http://upper' },
    ],
    [
      'an empty variable lets the next one speak',
      {},
      { HTTPS_PROXY: '', https_proxy: 'http://lower' },
      { https: 'http://lower' },
    ],
    ['https is never sent through HTTP_PROXY', {}, { HTTP_PROXY: 'http://h' }, { http: 'http://h' }],
    [
      '--proxy is for both schemes',
      { proxy: 'http://p' },
      { HTTPS_PROXY: 'http://s' },
      { https: 'http://p', http: 'http://p' },
    ],
    ['--no-proxy before NO_PROXY', { noProxy: 'a' }, { NO_PROXY: 'b' }, { none: 'a' }],
    ['an empty --no-proxy switches NO_PROXY off', { noProxy: '' }, { NO_PROXY: 'b' }, {}],
    [
      'HTTP_PROXY in a CGI program is a header of the request',
      {},
      { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil' },
      {},
    ],
  ]
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(readOptions(flags, env, false).pull.proxy).toEqual(expected)
  })
})

describe('TLS', () => {
  const cases: readonly [string, Flags, Environment, object][] = [
    ['nothing said, Node adds NODE_EXTRA_CA_CERTS by itself', {}, { NODE_EXTRA_CA_CERTS: '/x.pem' }, {}],
    ['--ca', { ca: ['a.pem', 'b.pem'] }, {}, { caFiles: ['a.pem', 'b.pem'] }],
    [
      '--ca keeps NODE_EXTRA_CA_CERTS',
      { ca: ['a.pem'] },
      { NODE_EXTRA_CA_CERTS: '/x.pem' },
      { caFiles: ['a.pem', '/x.pem'] },
    ],
    ['--insecure', { insecure: true }, {}, { insecure: true }],
  ]
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(readOptions(flags, env, false).pull.tls).toEqual(expected)
  })
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
  test.each(cases)('%s', (message, flags, env) => {
    expect(() => readOptions(flags, env, false)).toThrow(expect.objectContaining({ code: 'USAGE', message }))
  })

  test.each([
    ['x.tar.gz', 'gzip > x.tar.gz'],
    ['x.TGZ', 'gzip > x.TGZ'],
    ['a/x.tar.zst', 'zstd > a/x.tar.zst'],
  ])('-o %s, with the pipe that makes it', (output, pipe) => {
    const hint = expect.stringContaining(`-o - | ${pipe}`)
    expect(() => readOptions({ output }, {}, false)).toThrow(expect.objectContaining({ code: 'USAGE', hint }))
  })

  test('an archive for a terminal', () => {
    expect(() => readOptions({ output: '-' }, {}, true)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(readOptions({ output: '-' }, {}, false).pull.output).toBe('-')
  })

  test.each([
    [{ jobs: '65' }, 'it is a whole number from 1 to 64'],
    [{ timeout: '0' }, 'it is a number above 0, up to 86400'],
    [{ format: 'x' }, 'it is one of docker, oci'],
  ])('%j says what would do', (flags, hint) => {
    expect(() => readOptions(flags, {}, false)).toThrow(expect.objectContaining({ hint }))
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
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(readOptions(flags, env, false).display).toMatchObject(expected)
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
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(readOptions(flags, env, false).warnings).toEqual(
      expected.map((text) => expect.stringContaining(text)),
    )
  })
})
