import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/cli/environment.ts'
import type { Flags } from '../../../src/cli/flags.ts'
import { readProxySettings } from '../../../src/cli/proxy-settings.ts'

type Case = readonly [string, Flags, Environment, object]

/** What is expected of the settings themselves; `from` has tests of its own. */
const values = ({ from: _, ...settings }: ReturnType<typeof readProxySettings>['settings']) => settings

describe('flags and variables', () => {
  const cases: readonly Case[] = [
    ['none', {}, {}, {}],
    [
      'one for each scheme',
      {},
      { HTTPS_PROXY: 'http://s', HTTP_PROXY: 'http://h' },
      { https: 'http://s', http: 'http://h' },
    ],
    [
      'lower case',
      {},
      { https_proxy: 'http://s', http_proxy: 'http://h', all_proxy: 'http://a', no_proxy: 'x' },
      { https: 'http://s', http: 'http://h', all: 'http://a', none: 'x' },
    ],
    [
      'upper case before lower case',
      {},
      {
        ...{ HTTPS_PROXY: 'http://S', HTTP_PROXY: 'http://H', ALL_PROXY: 'http://A', NO_PROXY: 'X' },
        ...{ https_proxy: 'http://s', http_proxy: 'http://h', all_proxy: 'http://a', no_proxy: 'x' },
      },
      { https: 'http://S', http: 'http://H', all: 'http://A', none: 'X' },
    ],
    [
      'an empty variable lets the next one speak',
      {},
      { HTTPS_PROXY: '', https_proxy: 'http://lower' },
      { https: 'http://lower' },
    ],
    ['https is never sent through HTTP_PROXY', {}, { HTTP_PROXY: 'http://h' }, { http: 'http://h' }],
    [
      '--proxy is for every scheme and before every variable',
      { proxy: 'http://p' },
      { HTTPS_PROXY: 'http://s', HTTP_PROXY: 'http://h', ALL_PROXY: 'http://a' },
      { https: 'http://p', http: 'http://p' },
    ],
    ['an empty --proxy is none', { proxy: '' }, { HTTPS_PROXY: 'http://s' }, { https: 'http://s' }],
    [
      'NO_PROXY is for --proxy too',
      { proxy: 'http://p' },
      { NO_PROXY: 'b' },
      { https: 'http://p', http: 'http://p', none: 'b' },
    ],
    ['--no-proxy before NO_PROXY', { noProxy: 'a' }, { NO_PROXY: 'b' }, { none: 'a' }],
    ['an empty --no-proxy switches NO_PROXY off', { noProxy: '' }, { NO_PROXY: 'b' }, { none: '' }],
    [
      'HTTP_PROXY in a CGI program is a header of the request',
      {},
      { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil', http_proxy: 'http://evil' },
      {},
    ],
  ]
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(values(readProxySettings(flags, env).settings)).toEqual(expected)
  })
})

describe('what npm was run with', () => {
  const cases: readonly Case[] = [
    [
      'one for each scheme',
      {},
      {
        npm_config_https_proxy: 'http://s',
        npm_config_proxy: 'http://h',
        npm_config_noproxy: 'a.test,b.test',
      },
      { https: 'http://s', http: 'http://h', none: 'a.test,b.test' },
    ],
    [
      'its proxy is for https too',
      {},
      { npm_config_proxy: 'http://h', npm_config_noproxy: '' },
      { https: 'http://h', http: 'http://h' },
    ],
    ['its https-proxy is for https only', {}, { npm_config_https_proxy: 'http://s' }, { https: 'http://s' }],
    [
      'what npm writes for nothing is nothing',
      {},
      { npm_config_https_proxy: 'null', npm_config_proxy: 'false', npm_config_noproxy: 'null' },
      {},
    ],
    [
      'a null https-proxy leaves it to proxy',
      {},
      { npm_config_https_proxy: 'null', npm_config_proxy: 'http://h' },
      { https: 'http://h', http: 'http://h' },
    ],
    [
      'in upper case, as npm itself takes it',
      {},
      { NPM_CONFIG_HTTPS_PROXY: 'http://s', NPM_CONFIG_NOPROXY: 'x' },
      { https: 'http://s', none: 'x' },
    ],
    [
      'comes after the variables that most programs know, each by itself',
      {},
      { HTTP_PROXY: 'http://h', npm_config_https_proxy: 'http://ns', npm_config_proxy: 'http://np' },
      { https: 'http://ns', http: 'http://h' },
    ],
    [
      'comes after ALL_PROXY',
      {},
      { ALL_PROXY: 'socks5://a', npm_config_https_proxy: 'http://ns', npm_config_proxy: 'http://np' },
      { all: 'socks5://a' },
    ],
    [
      'comes after flags and NO_PROXY',
      { proxy: 'http://p' },
      { NO_PROXY: 'b', npm_config_proxy: 'http://np', npm_config_noproxy: 'c' },
      { https: 'http://p', http: 'http://p', none: 'b' },
    ],
    ['--no-proxy switches its noproxy off', { noProxy: '' }, { npm_config_noproxy: 'c' }, { none: '' }],
  ]
  test.each(cases)('%s', (_, flags, env, expected) => {
    expect(values(readProxySettings(flags, env).settings)).toEqual(expected)
  })
})

test.each<Case>([
  [
    '--proxy',
    { proxy: 'http://p', noProxy: 'x' },
    {},
    { https: '--proxy', http: '--proxy', none: '--no-proxy' },
  ],
  [
    'the variable that was set',
    {},
    { https_proxy: 's', HTTP_PROXY: 'h', all_proxy: 'a', NO_PROXY: 'n' },
    { https: 'https_proxy', http: 'HTTP_PROXY', all: 'all_proxy', none: 'NO_PROXY' },
  ],
  [
    "npm's",
    {},
    { npm_config_proxy: 'h', npm_config_noproxy: 'n' },
    { https: 'npm_config_proxy', http: 'npm_config_proxy', none: 'npm_config_noproxy' },
  ],
])('a setting knows its name: %s', (_, flags, env, expected) => {
  expect(readProxySettings(flags, env).settings.from).toEqual(expected)
})

describe('that https goes directly although there is an HTTP_PROXY', () => {
  const warnings = (flags: Flags, env: Environment) => readProxySettings(flags, env).warnings

  test.each(['HTTP_PROXY', 'http_proxy'])('is worth a warning (%s)', (name) => {
    expect(warnings({}, { [name]: 'http://user:hunter2@h' })).toEqual([
      `${name} is set and HTTPS_PROXY is not: registries that speak https are reached directly`,
    ])
  })

  test.each<readonly [string, Flags, Environment]>([
    ['HTTPS_PROXY is set too', {}, { HTTPS_PROXY: 'http://s' }],
    ['ALL_PROXY is set too', {}, { ALL_PROXY: 'http://a' }],
    ["npm's proxy is for https", {}, { npm_config_proxy: 'http://n' }],
    ['--proxy is for https', { proxy: 'http://p' }, {}],
    ['registries are asked in plain http', { plainHttp: true }, {}],
  ])('is not said where %s', (_, flags, env) => {
    expect(warnings(flags, { HTTP_PROXY: 'http://h', ...env })).toEqual([])
  })
})
