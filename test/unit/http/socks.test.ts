import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isRefused, retryClass } from '../../../src/http/network-error.ts'
import type { Transport } from '../../../src/http/transport.ts'
import { createUndiciTransport, type TransportOptions } from '../../../src/http/undici-transport.ts'
import { serve } from '../../support/serve.ts'
import { get } from './fake-network.ts'
import { rawServer, says, silent } from './raw-server.ts'
import { type SocksServerOptions, socksServer } from './socks-server.ts'

const trusting = { caFiles: [fileURLToPath(new URL('../../fixtures/tls/ca.crt', import.meta.url))] }

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function network(options: TransportOptions): Promise<Transport> {
  const { transport, close } = await createUndiciTransport(options)
  cleanUps.push(close)
  return transport
}

async function origin(tls?: string) {
  const running = await serve((_request, response) => void response.end('hello'), tls ? { tls } : {})
  cleanUps.push(() => running.close())
  return running
}

async function socks(options?: SocksServerOptions) {
  const running = await socksServer(options)
  cleanUps.push(() => running[Symbol.asyncDispose]())
  return running
}

async function raw(onConnection: (socket: Socket) => void) {
  const running = await rawServer(onConnection)
  cleanUps.push(() => running[Symbol.asyncDispose]())
  return running
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error as Error & { readonly hint?: string },
  )

describe('a SOCKS5 proxy', () => {
  test.each(['socks5', 'socks5h', 'socks'])('resolves the name itself (%s, https)', async (scheme) => {
    const { port, requests } = await origin('wrong-name')
    const { host, asked, accepted } = await socks({ port })
    const send = await network({ proxy: { https: `${scheme}://${host}` }, tls: trusting })
    const request = get('https://registry.example/', { authorization: 'Bearer token' })
    for (const _ of [1, 2]) expect(await text((await send(request)).body)).toBe('hello')
    expect(asked).toEqual([' → registry.example:443'])
    expect(accepted()).toBe(1)
    expect(requests).toMatchObject([1, 2].map(() => ({ headers: { authorization: 'Bearer token' } })))
  })

  test('carries plain http as it carries https, and not as a whole URL', async () => {
    const { port, requests } = await origin()
    const { host, asked } = await socks({ port })
    const send = await network({ proxy: { all: `socks5://${host}` } })
    expect(await text((await send(get('http://r.example:5000/v2/'))).body)).toBe('hello')
    expect(asked).toEqual([' → r.example:5000'])
    expect(requests).toMatchObject([{ url: '/v2/', headers: { host: 'r.example:5000' } }])
  })

  test.each([
    ['http://192.0.2.1/', '192.0.2.1:80'],
    ['http://[2001:db8::1]:5000/', '[20010db8000000000000000000000001]:5000'],
    ['http://BÜCHER.example./', 'xn--bcher-kva.example:80'],
  ])('is asked for %s as %s', async (url, target) => {
    const { port } = await origin()
    const { host, asked } = await socks({ port })
    await (await network({ proxy: { all: `socks5://${host}` } }))(get(url))
    expect(asked).toEqual([` → ${target}`])
  })

  test.each([
    ['us%20er:p%40ss%3A%C3%B6', 'us er:p@ss:ö'],
    ['user', 'user:'],
    ['user:', 'user:'],
  ])('is logged in to as %s, and the origin hears nothing of it', async (userinfo, login) => {
    const { port, requests } = await origin()
    const { host, asked } = await socks({ port, login })
    const send = await network({ proxy: { http: `socks5://${userinfo}@${host}` } })
    expect(await send(get('http://r.example/'))).toMatchObject({ status: 200 })
    expect(asked).toEqual([`${login} → r.example:80`])
    expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test('that wants no login is used with one all the same', async () => {
    const { port } = await origin()
    const { host } = await socks({ port })
    const send = await network({ proxy: { http: `socks5://user:password@${host}` } })
    expect(await send(get('http://r.example/'))).toMatchObject({ status: 200 })
  })
})

describe('a SOCKS5 proxy that refuses is met once per try, and called a proxy', () => {
  test.each<readonly [string, SocksServerOptions, string, string, string, RegExp]>([
    ['wants a login', { login: 'a:b' }, '', 'PROXY_AUTH', 'never', /wants a user name and password/],
    ['wants another password', { login: 'a:b' }, 'a:hunter2@', 'PROXY_AUTH', 'never', /does not accept/],
    ['fails', { reply: 1 }, '', 'NETWORK', 'transient', /was not able to connect .* "general failure"/],
    [
      'has a rule against it',
      { reply: 2 },
      '',
      'NETWORK',
      'never',
      /refused to connect to r\.example:443: it answered "not allowed by its rules"/,
    ],
    ['finds no network', { reply: 3 }, '', 'NETWORK', 'transient', /"network unreachable"/],
    ['finds no host', { reply: 4 }, '', 'NETWORK', 'transient', /"host unreachable"/],
    ['is refused', { reply: 5 }, '', 'NETWORK', 'transient', /"connection refused"/],
    ['gives up', { reply: 6 }, '', 'NETWORK', 'transient', /"TTL expired"/],
    ['cannot connect', { reply: 7 }, '', 'NETWORK', 'never', /"command not supported"/],
    ['knows no such address', { reply: 8 }, '', 'NETWORK', 'never', /"address type not supported"/],
    ['says what nobody knows', { reply: 99 }, '', 'NETWORK', 'never', /something that SOCKS5 does not know/],
  ])('%s', async (_what, options, userinfo, code, retry, message) => {
    const { host, accepted, open } = await socks(options)
    const proxy = { https: `socks5://${userinfo}${host}`, from: { https: 'HTTPS_PROXY' } }
    const error = await failure((await network({ proxy }))(get('https://r.example/')))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.message).toContain(`the proxy ${host}`)
    expect(error.hint).toBeTruthy()
    expect(retryClass(error)).toBe(retry)
    expect(isRefused(error)).toBe(options.reply === 5)
    expect(accepted()).toBe(1)
    await vi.waitFor(() => expect(open()).toBe(0))
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      expect(JSON.stringify(each) + each.stack).not.toContain('hunter2')
    }
  })

  test('a wrong password is looked for where it was set', async () => {
    const { host } = await socks({ login: 'a:b' })
    const proxy = { all: `socks5://a:c@${host}`, from: { all: 'ALL_PROXY' } }
    const { hint } = await failure((await network({ proxy }))(get('https://r.example/')))
    expect(hint).toContain('ALL_PROXY')
  })
})

describe('a SOCKS5 proxy that fails is met once per try, within the deadline', () => {
  const thenSays = (...answers: readonly (readonly number[])[]) => {
    const left = [...answers]
    return (socket: Socket) => void socket.on('data', () => socket.write(Buffer.from(left.shift() ?? [])))
  }
  test.each<readonly [string, (socket: Socket) => void, string, RegExp]>([
    ['is silent', silent, 'transient', /took the connection and did not answer in time/],
    ['stops after the greeting', thenSays([5, 0]), 'transient', /took the connection and did not answer/],
    ['stops within its reply', thenSays([5, 0], [5, 0, 0, 1]), 'transient', /did not answer in time/],
    ['closes at once', (socket) => void socket.end(), 'transient', /closed the connection/],
    [
      'closes',
      (socket) => void socket.once('data', () => socket.end()),
      'transient',
      /closed the connection/,
    ],
    [
      'resets',
      (socket) => void socket.once('data', () => socket.resetAndDestroy()),
      'transient',
      /closed the connection/,
    ],
    ['picks a login that was not offered', thenSays([5, 1]), 'never', /wants a user name and password/],
    ['talks too much', thenSays([5, 0], [6, 0, 0, 1, 0, 0]), 'never', /was not able to connect/],
    ['speaks HTTP', says('HTTP/1.1 400 Bad Request\r\n\r\n'), 'never', /not in valid SOCKS5: it speaks HTTP/],
    ['speaks TLS', says('\x15\x03\x01\x00\x02\x02\x46'), 'never', /not in valid SOCKS5: it speaks TLS/],
    ['speaks SOCKS4', says('\0\x5b\0\0\0\0\0\0'), 'never', /not in valid SOCKS5: it speaks SOCKS4/],
    ['speaks SSH', says('SSH-2.0-x\x1b[2J\r\n'), 'never', /it said "SSH-2.0-x\\u\{1b\}\[2J"/],
  ])('%s', async (what, behaviour, retry, message) => {
    const { host, accepted, open } = await raw(behaviour)
    const patience = /silent|stops/.test(what) ? { timeout: 200 } : {}
    const send = await network({ ...patience, proxy: { https: `socks5://${host}` } })
    const error = await failure(send(get('https://r.example/')))
    expect(error.message).toContain(`the proxy ${host}`)
    expect(error.message).toMatch(message)
    expect(error.hint).toBeTruthy()
    expect(retryClass(error)).toBe(retry)
    expect(accepted()).toBe(1)
    await vi.waitFor(() => expect(open()).toBe(0))
  })

  test('and does not keep an aborted request', async () => {
    const { host, accepted, received, open } = await raw(thenSays([5, 0]))
    const controller = new AbortController()
    const send = await network({ proxy: { https: `socks5://${host}` } })
    const error = failure(send({ ...get('https://r.example/'), signal: controller.signal }))
    await vi.waitFor(() => expect(received()[0]).toContain('r.example'))
    controller.abort()
    expect(await error).toMatchObject({ code: 'ABORTED' })
    await vi.waitFor(() => expect(open()).toBe(0))
    expect(accepted()).toBe(1)
  })

  test('a server behind it that says nothing is not taken for it', async () => {
    const inner = await raw(silent)
    const { host } = await socks({ port: Number(inner.host.split(':')[1]) })
    const send = await network({ timeout: 1000, proxy: { https: `socks5://${host}` } })
    const error = await failure(send(get('https://r.example/')))
    expect(error.message).toContain(`no connection to the server r.example (through the proxy ${host})`)
    await vi.waitFor(() => expect(inner.open()).toBe(0))
  })
})
