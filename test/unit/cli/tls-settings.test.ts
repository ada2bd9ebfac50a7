import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/cli/environment.ts'
import type { Flags } from '../../../src/cli/flags.ts'
import { readTlsSettings } from '../../../src/cli/tls-settings.ts'
import { type ClientCertificate, loadTls } from '../../../src/http/tls.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const ca = fixture('ca.crt')
const other = fixture('self-signed.crt')
const certificates = fixture('')

const isThere = (certificate?: ClientCertificate) => certificate !== undefined

const nothing = { caFiles: [], caDirectories: [], caTexts: [], insecure: false }

describe('CAs', () => {
  const pem = readFileSync(ca, 'utf8')
  const cases: readonly [string, Flags, Environment, object][] = [
    ['none', {}, {}, {}],
    ['--ca, as often as it is given', { ca: [ca, other] }, {}, { caFiles: [ca, other] }],
    ['SSL_CERT_FILE', {}, { SSL_CERT_FILE: ca }, { caFiles: [ca] }],
    ['NODE_EXTRA_CA_CERTS', {}, { NODE_EXTRA_CA_CERTS: ca }, { caFiles: [ca] }],
    ['npm’s cafile', {}, { npm_config_cafile: ca }, { caFiles: [ca] }],
    ['npm’s cafile by a variable', {}, { NPM_CONFIG_CAFILE: ca }, { caFiles: [ca] }],
    ['npm’s cafile that is none', {}, { npm_config_cafile: 'null' }, {}],
    [
      'empty variables',
      {},
      { SSL_CERT_FILE: '', SSL_CERT_DIR: '', npm_config_cafile: '', npm_config_ca: '' },
      {},
    ],
    ['a flag and variables, together', { ca: [ca] }, { SSL_CERT_FILE: other }, { caFiles: [ca, other] }],
    ['SSL_CERT_DIR', {}, { SSL_CERT_DIR: certificates }, { caDirectories: [certificates] }],
    [
      'SSL_CERT_DIR of several',
      {},
      { SSL_CERT_DIR: [certificates, '', certificates].join(delimiter) },
      { caDirectories: [certificates, certificates] },
    ],
    ['npm’s ca', {}, { npm_config_ca: pem }, { caTexts: [pem] }],
    ['npm’s ca in one line', {}, { npm_config_ca: pem.replaceAll('\n', '\\n') }, { caTexts: [pem] }],
    ['npm’s ca that is none', {}, { npm_config_ca: 'null' }, {}],
  ]
  test.each(cases)('%s', async (_, flags, env, expected) => {
    expect(await readTlsSettings(flags, env)).toEqual({
      settings: { ...nothing, ...expected },
      warnings: [],
      alarms: [],
    })
  })

  test.each([
    ['SSL_CERT_FILE', '/nowhere.pem', /SSL_CERT_FILE: .*\/nowhere\.pem .*ENOENT.*left out/],
    ['SSL_CERT_FILE', fixture('ca.key'), /SSL_CERT_FILE: .*ca\.key holds no certificate.*left out/],
    ['SSL_CERT_DIR', '/nowhere', /SSL_CERT_DIR: .*\/nowhere .*ENOENT.*left out/],
    ['npm_config_cafile', '/nowhere.pem', /npm_config_cafile: .*\/nowhere\.pem .*ENOENT.*left out/],
  ])('of %s=%s that cannot be had are left out with a warning', async (name, value, warning) => {
    const { settings, warnings } = await readTlsSettings({}, { [name]: value })
    expect(settings).toEqual(nothing)
    expect(warnings).toEqual([expect.stringMatching(warning)])
  })

  test('of NODE_EXTRA_CA_CERTS that cannot be had are left out, and Node has said so', async () => {
    const read = await readTlsSettings({}, { NODE_EXTRA_CA_CERTS: '/nowhere.pem' })
    expect(read).toEqual({ settings: nothing, warnings: [], alarms: [] })
  })
})

describe('verification', () => {
  const byNpm = { npm_execpath: '/usr/lib/node_modules/npm/bin/npm-cli.js' }
  const passedOn = { ...byNpm, npm_config_strict_ssl: '' }
  const cases: readonly [string, Flags, Environment, string | undefined][] = [
    ['is on', {}, {}, undefined],
    ['is off with --insecure', { insecure: true }, {}, '(--insecure)'],
    ['is off with npm’s strict-ssl=false', {}, passedOn, 'npm’s strict-ssl=false'],
    ['is off with npm’s setting as a text', {}, { npm_config_strict_ssl: 'false' }, 'npm’s strict-ssl=false'],
    ['is on with an empty variable that is not npm’s', {}, { npm_config_strict_ssl: '' }, undefined],
    ['is on with an empty variable in upper case', {}, { ...byNpm, NPM_CONFIG_STRICT_SSL: '' }, undefined],
    ['is off with npm’s variable', {}, { NPM_CONFIG_STRICT_SSL: 'false' }, 'npm’s strict-ssl=false'],
    ['is on with npm’s strict-ssl=true', {}, { npm_config_strict_ssl: 'true' }, undefined],
    ['is on with --ca, whatever npm is set to', { ca: [ca] }, passedOn, undefined],
    ['is off with --insecure and --ca', { ca: [ca], insecure: true }, {}, '(--insecure)'],
  ]
  test.each(cases)('%s', async (_, flags, env, by) => {
    const { settings, alarms } = await readTlsSettings(flags, env)
    expect(settings.insecure).toBe(by !== undefined)
    expect(alarms).toEqual(by ? [expect.stringContaining(by.replace('’', "'"))] : [])
  })

  test.each([
    [{}, ['NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored']],
    [{ insecure: true }, []],
  ])('cannot be switched off by Node’s own variable (%j)', async (flags, expected) => {
    const { warnings } = await readTlsSettings(flags, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect(warnings).toEqual(expected.map((text) => expect.stringContaining(text)))
  })
})

describe('a client certificate', () => {
  const cert = fixture('client.crt')
  const key = fixture('client.key')

  test('is --cert and --key', async () => {
    expect(await readTlsSettings({ cert, key }, {})).toMatchObject({
      settings: { clientCertificate: { certFile: cert, keyFile: key } },
    })
  })

  test.skipIf(process.platform === 'win32')('may come through pipes, which are read once', async () => {
    const pipeOf = (file: string) => {
      const pipe = join(temporaryDirectory(), 'pipe')
      execFileSync('mkfifo', [pipe])
      createReadStream(file).pipe(createWriteStream(pipe))
      return pipe
    }
    const certPipe = pipeOf(cert)
    const { settings } = await readTlsSettings({ cert: certPipe, key: pipeOf(key) }, {})
    const forOrigin = async () => ({ clientCertificates: [settings.clientCertificate].filter(isThere) })
    const options = await (await loadTls({ forOrigin }))(new URL('https://r.example/'))
    expect(options.clientCertificate).toBe(certPipe)
  })

  test('may be a --cert that holds its key', async () => {
    const both = join(temporaryDirectory(), 'both.pem')
    cpSync(cert, both)
    appendFileSync(both, readFileSync(key))
    expect(await readTlsSettings({ cert: both }, {})).toMatchObject({
      settings: { clientCertificate: { certFile: both, keyFile: both } },
    })
  })

  test.each([
    ['an empty --ca', { ca: [''] }, 'USAGE', /--ca names no file/, /--ca/],
    ['an empty --cert', { cert: '', key }, 'USAGE', /--cert names no file/, /--cert/],
    ['an empty --key', { cert, key: '' }, 'USAGE', /--key names no file/, /--key/],
    ['--key alone', { key }, 'USAGE', /--key needs a certificate/, /--cert FILE/],
    ['--cert alone', { cert }, 'USAGE', /client\.crt holds no private key/, /--key FILE/],
    ['a file that is not there', { cert: '/nowhere.crt', key }, 'FILE', /\/nowhere\.crt/, /path/],
    ['a key of another', { cert, key: fixture('ca.key') }, 'USAGE', /ca\.key does not belong/, /key/],
  ])('fails before anything else: %s', async (_, flags, code, message, hint) => {
    await expect(readTlsSettings(flags, {})).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })
})
