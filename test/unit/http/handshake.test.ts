import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { retryClass } from '../../../src/http/network-error.ts'
import type { OriginTls } from '../../../src/http/tls.ts'
import { createUndiciTransport } from '../../../src/http/undici-transport.ts'
import { tlsFixture } from '../../support/serve.ts'
import { get } from './fake-network.ts'

const path = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const ca = path('ca.crt')
const client = { certFile: path('client.crt'), keyFile: path('client.key') }

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface AskingServer {
  readonly url: string
  /** The common name of the client certificate of each connection. */
  readonly seen: readonly (string | undefined)[]
}

const answer = (socket: TLSSocket) => {
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'))
}

/** A server that asks for client certificates, verified or not. */
async function asking(
  onConnection: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<AskingServer> {
  const seen: (string | undefined)[] = []
  const asks = { requestCert: true, ca: readFileSync(ca), rejectUnauthorized: false }
  const server = createServer({ ...tlsFixture('server'), ...asks, ...options }, (socket) => {
    socket.on('error', () => {})
    seen.push(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined)
    onConnection(socket)
  })
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => server.close())
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, seen }
}

async function request(url: string, forOrigin?: (origin: URL) => Promise<OriginTls | undefined>) {
  const { transport, close } = await createUndiciTransport({ tls: { caFiles: [ca], forOrigin } })
  cleanUps.push(close)
  return transport({ ...get(url), purpose: 'manifest' }).catch((error: unknown) => error)
}

const show = (certificate: typeof client) => async () => ({ clientCertificates: [certificate] })

describe('a client certificate', () => {
  test('goes to the origin that it is for, and to no other', async () => {
    const here = await asking(answer)
    const there = await asking(answer)
    const forOrigin = async ({ origin }: URL) =>
      `${origin}/` === here.url ? { clientCertificates: [client] } : undefined
    expect(await request(here.url, forOrigin)).toMatchObject({ status: 200 })
    expect(await request(there.url, forOrigin)).toMatchObject({ status: 200 })
    expect({ here: here.seen, there: there.seen }).toEqual({ here: ['dray test client'], there: [undefined] })
  })

  test('goes with the chain in its file', async () => {
    const { url, seen } = await asking(answer)
    const chained = { certFile: path('client-chain.crt'), keyFile: path('client-chain.key') }
    expect(await request(url, show(chained))).toMatchObject({ status: 200 })
    expect(seen).toEqual(['dray test client-chain'])
  })

  test('is not needed by a server that asks and goes on without', async () => {
    const { url } = await asking(answer)
    expect(await request(url)).toMatchObject({ status: 200 })
  })
})

describe('a server that asks for a client certificate and closes without a word', () => {
  const closes = (socket: TLSSocket) => void socket.once('data', () => socket.end())
  const resets = (socket: TLSSocket) => void socket.once('data', () => socket.destroy())

  test.each([
    ['closes', closes],
    ['resets', resets],
  ])('%s: it seems to want one', async (_, behaviour) => {
    const error = await request((await asking(behaviour)).url)
    expect(error).toMatchObject({
      code: 'TLS',
      message: expect.stringMatching(/registry 127\.0\.0\.1:\d+ asked for a client certificate/),
      hint: expect.stringMatching(/--cert FILE and --key FILE.*certs\.d\/127\.0\.0\.1:\d+/),
    })
    expect(retryClass(error)).toBe('once')
  })

  test('and was shown one: it may not have liked it, or just be failing', async () => {
    const error = await request((await asking(closes)).url, show(client))
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringContaining(client.certFile) })
    expect(retryClass(error)).toBe('transient')
  })

  test('in the middle of an answer: that has another reason', async () => {
    const { url } = await asking((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-'))
    })
    expect(await request(url)).toMatchObject({ code: 'NETWORK' })
  })
})

test('a server that asks for nothing and closes is just closed', async () => {
  const { url } = await asking((socket) => void socket.once('data', () => socket.end()), {
    requestCert: false,
  })
  expect(await request(url)).toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining('closed the connection too early'),
  })
})

describe('a certificate that is refused is described', () => {
  test.each([
    ['expired', /has expired: .*; it is for "dray test expired", issued by "dray test CA"/, /renew/],
    ['future', /not valid yet: it is valid from Jan 1 00:00:00 2090 GMT .*the clock here says/, /clock/],
    ['wrong-name', /other names: DNS:registry\.example; it is issued by "dray test CA"/, /spelling/],
    ['self-signed', /is self-signed.*; it is for "dray test self-signed"/, /"dray test self-signed".*--ca/],
    [
      'by-intermediate',
      /unknown CA, or its chain is incomplete; it is for "dray test by-intermediate, dray", issued by "dray test intermediate, dray"/,
      /"dray test intermediate, dray".*--ca FILE.*SSL_CERT_FILE/,
    ],
  ])('%s', async (name, message, hint) => {
    const { url, seen } = await asking(answer, { ...tlsFixture(name), requestCert: false })
    expect(await request(url)).toMatchObject({
      code: 'TLS',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
    expect(seen).toEqual([])
  })

  test('the CA that the chain ends with is the one to pass', async () => {
    const chain = Buffer.concat([tlsFixture('by-intermediate').cert, tlsFixture('intermediate').cert])
    const { url } = await asking(answer, { ...tlsFixture('by-intermediate'), cert: chain })
    const { transport, close } = await createUndiciTransport()
    cleanUps.push(close)
    await expect(transport(get(url))).rejects.toMatchObject({
      message: expect.stringContaining('issued by "dray test intermediate, dray"'),
      hint: expect.stringContaining('if you trust "dray test CA"'),
    })
  })
})
