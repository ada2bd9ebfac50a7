import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { certsDirectoryTls, readCertsDirectory } from '../../../src/config/certs-d.ts'
import { asNobody } from '../../support/as-nobody.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const posixTest = process.platform === 'win32' ? test.skip : test

/** Puts fixtures where the keys of `files` say, and gives the directory that they are in. */
function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  for (const [path, from] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    cpSync(fixture(from), join(directory, path))
  }
  return directory
}

describe('the directory of a host', () => {
  const inPosix: readonly [string, string, string][] = [
    ['with its port', 'r.example:5000', 'https://r.example:5000/v2/'],
    ['an IPv6 address', '[::1]:5000', 'https://[::1]:5000'],
    ['the usual port that the reference names', 'r.example:443', 'https://r.example:443'],
  ]
  posixTest.each(inPosix)('%s: %s', async (_, name, url) => {
    const directory = directoryWith({ [`${name}/ca.crt`]: 'ca.crt' })
    expect(await certsDirectoryTls([directory], new URL(url))).toEqual({
      caFiles: [join(directory, name, 'ca.crt')],
      clientCertificates: [],
    })
  })

  test.each([
    ['r.example', 'https://r.example'],
    ['docker.io', 'https://registry-1.docker.io/v2/'],
  ])('%s for %s', async (name, url) => {
    const directory = directoryWith({ [`${name}/ca.crt`]: 'ca.crt' })
    expect(await certsDirectoryTls([directory], new URL(url))).toMatchObject({
      caFiles: [join(directory, name, 'ca.crt')],
    })
  })

  test('of another host means nothing', async () => {
    const directory = directoryWith({ 'other.example/ca.crt': 'ca.crt', 'r.example/ca.crt': 'ca.crt' })
    expect(await certsDirectoryTls([directory], new URL('https://r.example:8443'))).toBeUndefined()
  })

  test('is the first that is there, and only that one', async () => {
    const [none, empty, full] = [
      temporaryDirectory(),
      temporaryDirectory(),
      directoryWith({ 'r.example/a.crt': 'ca.crt' }),
    ]
    const origin = new URL('https://r.example')
    const here = join(full, 'r.example', 'a.crt')
    expect(await certsDirectoryTls([none, full], origin)).toMatchObject({ caFiles: [here] })
    mkdirSync(join(empty, 'r.example'))
    expect(await certsDirectoryTls([empty, full], origin)).toEqual({ caFiles: [], clientCertificates: [] })
  })

  test('that is in a place which is no directory is none', async () => {
    expect(await certsDirectoryTls([fixture('ca.crt')], new URL('https://r.example'))).toBeUndefined()
  })

  posixTest('that this user may not read is passed over with a warning', async () => {
    const closed = directoryWith({ 'r.example/ca.crt': 'ca.crt' })
    const open = directoryWith({ 'r.example/ca.crt': 'ca.crt' })
    for (const directory of [closed, open]) chmodSync(directory, 0o755)
    chmodSync(join(closed, 'r.example'), 0o000)
    const warnings: string[] = []
    const found = await asNobody(() =>
      certsDirectoryTls([closed, open], new URL('https://r.example'), (text) => warnings.push(text)),
    )
    chmodSync(join(closed, 'r.example'), 0o700)
    expect(found).toMatchObject({ caFiles: [join(open, 'r.example', 'ca.crt')] })
    expect(warnings).toEqual([expect.stringContaining(join(closed, 'r.example'))])
  })
})

describe('in the directory', () => {
  test('.crt are CAs, .cert and .key client certificates, and the rest is nothing', async () => {
    const directory = directoryWith({
      'b.crt': 'ca.crt',
      'a.crt': 'intermediate.crt',
      'client.cert': 'client.crt',
      'client.key': 'client.key',
      'other.cert': 'client-chain.crt',
      'other.key': 'client-chain.key',
      'ca.pem': 'ca.crt',
      'notes.txt': 'README.md',
    })
    const at = (name: string) => join(directory, name)
    expect(await readCertsDirectory(directory)).toEqual({
      caFiles: [at('a.crt'), at('b.crt')],
      clientCertificates: [
        { certFile: at('client.cert'), keyFile: at('client.key') },
        { certFile: at('other.cert'), keyFile: at('other.key') },
      ],
    })
  })

  test.each([
    ['a certificate', 'client.cert', 'client.key'],
    ['a key', 'client.key', 'client.cert'],
  ])(
    '%s without the other half is left out with a warning, and the rest counts',
    async (_, there, missing) => {
      const directory = directoryWith({
        [there]: 'client.key',
        'ca.crt': 'ca.crt',
        'me.cert': 'client.crt',
        'me.key': 'client.key',
      })
      const at = (name: string) => join(directory, name)
      const warnings: string[] = []
      expect(await readCertsDirectory(directory, (text) => warnings.push(text))).toEqual({
        caFiles: [at('ca.crt')],
        clientCertificates: [{ certFile: at('me.cert'), keyFile: at('me.key') }],
      })
      expect(warnings).toEqual([expect.stringContaining(`${at(there)} is left out: ${at(missing)}, its `)])
    },
  )

  posixTest('a pipe is left out with a warning, as nothing may ever be written to it', async () => {
    const directory = directoryWith({ 'client.cert': 'client.crt' })
    for (const name of ['ca.crt', 'client.key']) execFileSync('mkfifo', [join(directory, name)])
    const warnings: string[] = []
    expect(await readCertsDirectory(directory, (text) => warnings.push(text))).toEqual({
      caFiles: [],
      clientCertificates: [],
    })
    expect(warnings).toEqual([
      `the CA file ${join(directory, 'ca.crt')} is no file; it is left out`,
      expect.stringMatching(/client\.cert is left out: .*client\.key is no file$/),
    ])
  })

  posixTest('what is no CA, or a broken link, is left out with a warning', async () => {
    const directory = directoryWith({ 'ca.crt': 'ca.crt', 'key.crt': 'ca.key' })
    writeFileSync(join(directory, 'empty.crt'), '')
    symlinkSync(join(directory, 'gone'), join(directory, 'link.crt'))
    const warnings: string[] = []
    expect(await readCertsDirectory(directory, (text) => warnings.push(text))).toMatchObject({
      caFiles: [join(directory, 'ca.crt')],
    })
    expect(warnings).toEqual(
      ['empty.crt', 'key.crt', 'link.crt'].map((name) => expect.stringContaining(join(directory, name))),
    )
  })

  posixTest('a client certificate whose key cannot be read is left out with a warning', async () => {
    const directory = directoryWith({ 'client.cert': 'client.crt' })
    symlinkSync(join(directory, 'gone'), join(directory, 'client.key'))
    const warnings: string[] = []
    expect(await readCertsDirectory(directory, (text) => warnings.push(text))).toEqual({
      caFiles: [],
      clientCertificates: [],
    })
    expect(warnings).toEqual([
      expect.stringMatching(/client\.cert is left out: .*client\.key cannot be read \(ENOENT\)/),
    ])
  })
})
