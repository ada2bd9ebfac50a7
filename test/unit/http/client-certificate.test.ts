import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readClientCertificate } from '../../../src/http/client-certificate.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const textOf = (name: string) => readFileSync(fixture(name), 'utf8')

/** A file of the running test's own. */
function file(content: string | Buffer): string {
  const path = join(temporaryDirectory(), 'file.pem')
  writeFileSync(path, content)
  return path
}

test('a certificate and its key are read', async () => {
  const files = { certFile: fixture('client.crt'), keyFile: fixture('client.key') }
  expect(await readClientCertificate(files)).toEqual({
    ...files,
    cert: textOf('client.crt'),
    key: textOf('client.key'),
    keyType: 'rsa',
  })
})

test.each([
  ['the key first', textOf('client.key') + textOf('client.crt')],
  ['the certificate first', textOf('client.crt') + textOf('client.key')],
  [
    'with what openssl pkcs12 writes around them',
    `Bag Attributes\n  friendlyName: me\n${textOf('client.crt')}\nKey Attributes: none\n${textOf('client.key')}`,
  ],
])('one file may hold both, %s', async (_, content) => {
  const both = file(content)
  expect(await readClientCertificate({ certFile: both, keyFile: both })).toMatchObject({
    cert: textOf('client.crt'),
    key: textOf('client.key'),
  })
})

test('a chain comes along, the client’s own certificate first', async () => {
  const certFile = file(textOf('intermediate.crt') + textOf('client-chain.crt'))
  expect(await readClientCertificate({ certFile, keyFile: fixture('client-chain.key') })).toMatchObject({
    cert: textOf('client-chain.crt'),
    keyType: 'ec',
  })
})

const der = Buffer.from(textOf('client.crt').replace(/-----.*-----/g, ''), 'base64')
const legacy = textOf('client.key').replace(
  '\n',
  '\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n',
)

test.each([
  [
    'a certificate that is not there',
    { certFile: '/nowhere/me.crt' },
    'FILE',
    /certificate \/nowhere\/me\.crt .*ENOENT/,
  ],
  ['a key that is not there', { keyFile: '/nowhere/me.key' }, 'FILE', /key .*\/nowhere\/me\.key .*ENOENT/],
  ['a certificate that is not PEM', { certFile: () => file(der) }, 'USAGE', /file\.pem holds no certificate/],
  [
    'a certificate that is a key',
    { certFile: fixture('client.key') },
    'USAGE',
    /client\.key holds no certificate/,
  ],
  ['a key that is a certificate', { keyFile: fixture('ca.crt') }, 'USAGE', /ca\.crt holds no private key/],
  [
    'a key that is damaged',
    { keyFile: () => file('-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n') },
    'USAGE',
    /file\.pem holds no private key/,
  ],
  [
    'an encrypted key',
    { keyFile: fixture('client-encrypted.key') },
    'USAGE',
    /client-encrypted\.key is encrypted/,
  ],
  ['a key encrypted in the old way', { keyFile: () => file(legacy) }, 'USAGE', /file\.pem is encrypted/],
  [
    'a key of another certificate',
    { keyFile: fixture('server.key') },
    'USAGE',
    /server\.key does not belong to the certificate in .*client\.crt/,
  ],
  [
    'a certificate alone, where one file is to hold both',
    { keyFile: fixture('client.crt') },
    'USAGE',
    /client\.crt holds no private key/,
  ],
] as const)('%s is an error that names the file', async (_, files, code, message) => {
  const { certFile = fixture('client.crt'), keyFile = fixture('client.key') } = files as Record<
    string,
    string | (() => string)
  >
  const named = {
    certFile: typeof certFile === 'string' ? certFile : certFile(),
    keyFile: typeof keyFile === 'string' ? keyFile : keyFile(),
  }
  const error = await readClientCertificate(named).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) })
})

test.each([
  ['certificate', { certFile: () => file(der), keyFile: fixture('client.key') }, 'openssl x509 -inform DER'],
  ['key', { certFile: fixture('client.crt'), keyFile: () => file(der) }, 'openssl pkey -inform DER'],
])('whoever has a %s in DER is told how to make PEM of it', async (_, { certFile, keyFile }, hint) => {
  const named = {
    certFile: typeof certFile === 'string' ? certFile : certFile(),
    keyFile: typeof keyFile === 'string' ? keyFile : keyFile(),
  }
  await expect(readClientCertificate(named)).rejects.toMatchObject({ hint: expect.stringContaining(hint) })
})

test('what was read once is not read again: it may have been a pipe', async () => {
  const loaded = await readClientCertificate({
    certFile: fixture('client.crt'),
    keyFile: fixture('client.key'),
  })
  const gone = { ...loaded, certFile: '/dev/fd/63', keyFile: '/dev/fd/62' }
  expect(await readClientCertificate(gone)).toEqual(gone)
})
