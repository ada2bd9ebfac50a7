import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readClientCertificate } from '../../../src/http/client-certificate.ts'
import { loadTls } from '../../../src/http/tls.ts'

const origin = new URL('https://r.example')
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const caFile = fixture('ca.crt')
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dray-tls-'))
})
afterAll(() => rm(directory, { recursive: true }))

function watchContexts() {
  const create = vi.spyOn(tls, 'createSecureContext')
  onTestFinished(() => create.mockRestore())
  return create
}

/** What the last context trusts besides what Node does. */
function addedCas(create: ReturnType<typeof watchContexts>): readonly unknown[] {
  const trusted: readonly unknown[] = trustedByNode()
  return [create.mock.lastCall?.[0]?.ca].flat().filter((certificate) => !trusted.includes(certificate))
}

function trustedByNode(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  return getCACertificates?.('default') ?? tls.rootCertificates
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

test.each([
  [{}, true],
  [{ insecure: false }, true],
  [{ insecure: true }, false],
])('with %j, rejectUnauthorized is said outright: %s', async (settings, expected) => {
  const tlsFor = await loadTls(settings)
  expect(await tlsFor(origin)).toMatchObject({ rejectUnauthorized: expected, ALPNProtocols: ['http/1.1'] })
})

test('the context is built once, when it is needed', async () => {
  const create = watchContexts()
  const tlsFor = await loadTls({ caFiles: [caFile] })
  expect(create).not.toHaveBeenCalled()
  const { secureContext } = await tlsFor(origin)
  expect((await tlsFor(new URL('https://other.example'))).secureContext).toBe(secureContext)
  expect(create).toHaveBeenCalledOnce()
  expect(create.mock.lastCall?.[0]).toMatchObject({ minVersion: 'TLSv1.2' })
  expect(addedCas(create)).toHaveLength(1)
  expect(create.mock.lastCall?.[0]?.ca).toEqual(expect.arrayContaining([...trustedByNode()]))
})

test('CAs that Node trusts anyway need no list of CAs, which takes long to parse', async () => {
  const known = await file('known.pem', trustedByNode().slice(0, 3).join('\r\n').replaceAll('\n', '\r\n'))
  const create = watchContexts()
  await (await loadTls({ caFiles: [known, known] }))(origin)
  expect(create.mock.lastCall?.[0]).not.toHaveProperty('ca')
})

test('a directory of CAs is read for the first TLS connection, when there is one', async () => {
  const late = await mkdtemp(join(directory, 'late-'))
  await writeFile(join(late, 'ca.pem'), 'not yet')
  const tlsFor = await loadTls({ caDirectories: [late] })
  await cp(caFile, join(late, 'ca.pem'))
  const create = watchContexts()
  await tlsFor(origin)
  expect(addedCas(create)).toEqual([await readFile(caFile, 'utf8')])
})

test.skipIf(process.platform === 'win32')('a CA file may be a pipe', async () => {
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  createReadStream(caFile).pipe(createWriteStream(pipe))
  const create = watchContexts()
  const tlsFor = await loadTls({ caFiles: [pipe] })
  await tlsFor(origin)
  await tlsFor(new URL('https://other.example'))
  expect(addedCas(create)).toEqual([await readFile(caFile, 'utf8')])
})

test('a CA file may be a bundle with comments, or DER', async () => {
  const pem = await readFile(caFile, 'utf8')
  const bundle = await file('bundle.pem', `# first\n${pem}\n# second\n${pem}`)
  const der = await file('ca.cer', new X509Certificate(pem).raw)
  const create = watchContexts()
  const tlsFor = await loadTls({ caFiles: [bundle, der] })
  await tlsFor(origin)
  expect(addedCas(create)).toEqual([pem])
})

test('a CA file that cannot be read is an error that names it', async () => {
  const missing = join(directory, 'missing.pem')
  await expect(loadTls({ caFiles: [missing] })).rejects.toMatchObject({
    code: 'FILE',
    message: expect.stringContaining(`${missing} cannot be read: ENOENT`),
  })
})

test.each([
  ['empty.pem', ''],
  ['text.pem', 'no certificate'],
  ['key.pem', '-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n'],
  ['broken.pem', '-----BEGIN CERTIFICATE-----\nMIGH\n-----END CERTIFICATE-----\n'],
])('a CA file without a certificate (%s) is a usage error that names it', async (name, content) => {
  const path = await file(name, content)
  await expect(loadTls({ caFiles: [caFile, path] })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(path),
  })
})

test('a file of CAs one of which cannot be read is good for the others', async () => {
  const pem = await readFile(caFile, 'utf8')
  const broken = '-----BEGIN CERTIFICATE-----\nMIGH\n-----END CERTIFICATE-----\n'
  const create = watchContexts()
  await (await loadTls({ caFiles: [await file('mixed.pem', broken + pem)] }))(origin)
  expect(addedCas(create)).toEqual([pem])
})

test('a directory of CAs gives those of all its PEM files; what else is in it means nothing', async () => {
  const hashed = await mkdtemp(join(directory, 'hashed-'))
  await cp(caFile, join(hashed, '5ed36f99.0'))
  await writeFile(join(hashed, 'README'), 'no certificate')
  await writeFile(join(hashed, 'key.pem'), await readFile(fixture('ca.key')))
  await mkdir(join(hashed, 'java'))
  await symlink(join(hashed, 'gone'), join(hashed, 'broken.pem')).catch(() => {}) // not for everybody on Windows
  const create = watchContexts()
  await (await loadTls({ caDirectories: [hashed] }))(origin)
  expect(addedCas(create)).toEqual([await readFile(caFile, 'utf8')])
})

test('a directory of CAs that is not there is an error that names it', async () => {
  const missing = join(directory, 'missing.d')
  await expect(loadTls({ caDirectories: [missing] })).rejects.toMatchObject({
    code: 'FILE',
    message: expect.stringContaining(`${missing} cannot be read: ENOENT`),
  })
})

test('CAs may be given as text', async () => {
  const pem = await readFile(caFile, 'utf8')
  const create = watchContexts()
  await (await loadTls({ caTexts: [pem] }))(origin)
  expect(addedCas(create)).toEqual([pem])
})

describe('what holds for one origin', () => {
  const other = new URL('https://other.example/v2/')

  test('is asked for once, when it is needed', async () => {
    const forOrigin = vi.fn(async () => undefined)
    const tlsFor = await loadTls({ forOrigin })
    expect(forOrigin).not.toHaveBeenCalled()
    await Promise.all([tlsFor(origin), tlsFor(new URL('/v2/x', origin)), tlsFor(other)])
    expect(forOrigin.mock.calls).toEqual([[origin], [other]])
  })

  test('stays there: CAs, certificates, and not to verify', async () => {
    const own = { caFiles: [caFile], insecure: true }
    const tlsFor = await loadTls({ forOrigin: async ({ host }) => (host === origin.host ? own : undefined) })
    const create = watchContexts()
    expect(await tlsFor(origin)).toMatchObject({ rejectUnauthorized: false })
    expect(addedCas(create)).toEqual([await readFile(caFile, 'utf8')])
    expect(await tlsFor(other)).toMatchObject({ rejectUnauthorized: true })
    expect(create.mock.lastCall?.[0]).not.toHaveProperty('ca')
  })

  test('comes on top of what holds for all', async () => {
    const forOrigin = async () => ({ caFiles: [fixture('self-signed.crt')] })
    const create = watchContexts()
    await (await loadTls({ caFiles: [caFile], forOrigin }))(origin)
    expect(addedCas(create)).toHaveLength(2)
  })

  test('of several client certificates, the first of each kind of key is shown', async () => {
    const certificate = (name: string) => ({
      certFile: fixture(`${name}.crt`),
      keyFile: fixture(`${name}.key`),
    })
    const clientCertificates = ['client-chain', 'server', 'client'].map(certificate)
    const create = watchContexts()
    const options = await (await loadTls({ forOrigin: async () => ({ clientCertificates }) }))(origin)
    expect(options.clientCertificate).toBe(fixture('client-chain.crt'))
    expect(create.mock.lastCall?.[0]?.cert).toEqual([
      await readFile(fixture('client-chain.crt'), 'utf8'),
      await readFile(fixture('client.crt'), 'utf8'),
    ])
  })

  test('a client certificate that was read before is not looked for again', async () => {
    const files = { certFile: fixture('client.crt'), keyFile: fixture('client.key') }
    const read = { ...(await readClientCertificate(files)), certFile: '/dev/fd/63', keyFile: '/dev/fd/62' }
    const create = watchContexts()
    const tlsFor = await loadTls({ forOrigin: async () => ({ clientCertificates: [read] }) })
    expect((await tlsFor(origin)).clientCertificate).toBe('/dev/fd/63')
    expect(create.mock.lastCall?.[0]?.cert).toEqual([await readFile(files.certFile, 'utf8')])
  })

  test('and makes no sense is an error', async () => {
    const tlsFor = await loadTls({ forOrigin: async () => ({ caFiles: [fixture('ca.key')] }) })
    await expect(tlsFor(origin)).rejects.toMatchObject({ code: 'USAGE' })
  })
})
