import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadTls } from '../../../src/http/tls.ts'

const origin = new URL('https://r.example')
const caFile = fileURLToPath(new URL('../../fixtures/tls/ca.crt', import.meta.url))
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dray-tls-'))
})
afterAll(() => rm(directory, { recursive: true }))

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
  expect(tlsFor(origin)).toMatchObject({ rejectUnauthorized: expected, ALPNProtocols: ['http/1.1'] })
})

test('the context is built once, when it is needed', async () => {
  const create = vi.spyOn(tls, 'createSecureContext')
  const tlsFor = await loadTls({ caFiles: [caFile] })
  expect(create).not.toHaveBeenCalled()
  expect(tlsFor(origin).secureContext).toBe(tlsFor(new URL('https://other.example')).secureContext)
  expect(create).toHaveBeenCalledOnce()
  expect(create.mock.lastCall?.[0]).toMatchObject({ minVersion: 'TLSv1.2' })
  expect(create.mock.lastCall?.[0]?.ca).toHaveLength(tls.rootCertificates.length + 1)
  create.mockRestore()
})

test('a CA file may be a bundle with comments, or DER', async () => {
  const pem = await readFile(caFile, 'utf8')
  const bundle = await file('bundle.pem', `# first\n${pem}\n# second\n${pem}`)
  const der = await file('ca.cer', new X509Certificate(pem).raw)
  const create = vi.spyOn(tls, 'createSecureContext')
  const tlsFor = await loadTls({ caFiles: [bundle, der] })
  tlsFor(origin)
  expect(create.mock.lastCall?.[0]?.ca?.slice(tls.rootCertificates.length)).toHaveLength(3)
  create.mockRestore()
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
