import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { notTls, retryClass, toNetworkError } from '../../../src/http/network-error.ts'
import type { HttpRequest, Transport } from '../../../src/http/transport.ts'
import { createUndiciTransport, type TransportOptions } from '../../../src/http/undici-transport.ts'
import { type Handler, type ServeOptions, serve } from '../../support/serve.ts'
import { get } from './fake-network.ts'
import { rawServer, says, silent } from './raw-server.ts'
import { type TestProxyOptions, testProxy } from './test-proxy.ts'

const trusting = { caFiles: [fileURLToPath(new URL('../../fixtures/tls/ca.crt', import.meta.url))] }

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function network(options: TransportOptions = {}): Promise<Transport> {
  const { transport, close } = await createUndiciTransport(options)
  cleanUps.push(close)
  return transport
}

async function server(handler: Handler, options?: ServeOptions) {
  const running = await serve(handler, options)
  cleanUps.push(() => running.close())
  return running
}

async function raw(onConnection: (socket: Socket) => void) {
  const running = await rawServer(onConnection)
  cleanUps.push(() => running[Symbol.asyncDispose]())
  return running
}

async function proxy(options?: TestProxyOptions) {
  const running = await testProxy(options)
  cleanUps.push(() => running[Symbol.asyncDispose]())
  return running
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error as Error,
  )

const hello: Handler = (_request, response) => void response.end('hello')

describe('a request', () => {
  test('is answered with status, headers, the body as it came, and its URL', async () => {
    const { url, requests } = await server((_request, response) => {
      response.writeHead(404, { 'Content-Encoding': 'gzip', Warning: ['a', 'b'] }).end('not really gzip')
    })
    const send = await network({ userAgent: 'dray/1' })
    const response = await send(get(`${url}/v2/x?n=1#fragment`, { accept: 'text/plain' }))
    expect(response).toMatchObject({ status: 404, url: new URL(`${url}/v2/x?n=1#fragment`) })
    expect(response.headers).toMatchObject({ 'content-encoding': 'gzip', warning: ['a', 'b'] })
    expect(await text(response.body)).toBe('not really gzip')
    expect(requests).toMatchObject([
      {
        method: 'GET',
        url: '/v2/x?n=1',
        headers: { accept: 'text/plain', 'accept-encoding': 'identity', 'user-agent': 'dray/1' },
      },
    ])
  })

  test('may be a HEAD or a POST with a body', async () => {
    const { url, requests } = await server(
      async (request, response) => void response.end(await text(request)),
    )
    const send = await network()
    expect((await send({ ...get(url), method: 'HEAD' })).status).toBe(200)
    const response = await send({ ...get(url), method: 'POST', body: 'grant_type=x' })
    expect(await text(response.body)).toBe('grant_type=x')
    expect(requests.map(({ method }) => method)).toEqual(['HEAD', 'POST'])
  })

  test('that follows another one uses its connection', async () => {
    const sockets = new Set<Socket>()
    const { url } = await server(
      (request, response) => void response.end(String(sockets.add(request.socket).size)),
    )
    const send = await network()
    for (const _ of [1, 2, 3]) expect(await text((await send(get(url))).body)).toBe('1')
  })

  test('takes headers of up to 64 KiB', async () => {
    const { url } = await server(
      (_request, response) => void response.setHeader('x', 'x'.repeat(40_000)).end(),
    )
    const response = await (await network())(get(url))
    expect(response.headers.x).toHaveLength(40_000)
  })

  test('shares at most so many connections with others to the same origin', async () => {
    const waiting: (() => void)[] = []
    const { url, openSockets, requests } = await server(
      (_request, response) => void waiting.push(() => response.end()),
    )
    const send = await network({ connections: 2 })
    const responses = Promise.all(
      Array.from({ length: 6 }, () => send(get(url)).then(({ body }) => text(body))),
    )
    while (requests.length < 6) {
      await vi.waitFor(() => expect(waiting).not.toHaveLength(0))
      expect(openSockets()).toBeLessThanOrEqual(2)
      waiting.shift()?.()
    }
    for (const end of waiting) end()
    await responses
  })
})

describe('TLS', () => {
  test.each(['127.0.0.1', 'localhost'])('a server at %s whose CA is passed is trusted', async (hostname) => {
    const { port } = await server(hello, { tls: 'server' })
    const response = await (await network({ tls: trusting }))(get(`https://${hostname}:${port}/`))
    expect(await text(response.body)).toBe('hello')
  })

  test.each([
    ['server', {}, /signed by an unknown CA/, /"dray test CA".*--ca FILE/],
    [
      'expired',
      trusting,
      /expired: it is valid from Jan 1 .* 2020 GMT to Feb 1 .* 2020 GMT, and the clock here/,
      /renew/,
    ],
    ['wrong-name', trusting, /other names: DNS:registry\.example/, /its operator has to repair/],
  ])('the certificate %s is refused, whatever the environment says', async (tls, settings, message, hint) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { url, host, requests } = await server(hello, { tls })
    const error = await failure((await network({ tls: settings }))(get(url)))
    vi.unstubAllEnvs()
    expect(error).toMatchObject({
      code: 'TLS',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
    expect(error.message).toContain(host)
    expect(retryClass(error)).toBe('never')
    expect(requests).toHaveLength(0)
  })

  test.each(['server', 'expired', 'wrong-name'])(
    'the certificate %s is taken when nothing is verified',
    async (tls) => {
      const { url } = await server(hello, { tls })
      expect(await (await network({ tls: { insecure: true } }))(get(url))).toMatchObject({ status: 200 })
    },
  )

  test('a server that speaks plain http is recognised', async () => {
    const { host } = await server(hello)
    const error = await failure((await network())(get(`https://${host}/`)))
    expect(error).toMatchObject({ code: 'TLS', hint: expect.stringContaining('--plain-http') })
    expect(notTls(error)).toBe(true)
  })

  test('a TLS server that is spoken to in plain http is recognised', async () => {
    const { host } = await raw(says('\x15\x03\x01\x00\x02\x02\x46'))
    const error = await failure((await network())(get(`http://${host}/`)))
    expect(error).toMatchObject({
      code: 'TLS',
      message: expect.stringContaining('speaks TLS, and was asked in plain http'),
    })
    expect(notTls(error)).toBe(false)
  })
})

describe('a server that may speak no TLS', () => {
  const nothingTrusted = async () => ({})

  test('and speaks none, is known by that before CAs are looked for', async () => {
    const { host, accepted } = await raw(says('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const forOrigin = vi.fn(nothingTrusted)
    const send = await network({ tls: { forOrigin }, mayLackTls: new Set([`https://${host}`]) })
    expect(notTls(await failure(send(get(`https://${host}/`))))).toBe(true)
    expect(forOrigin).not.toHaveBeenCalled()
    expect(accepted()).toBe(1)
  })

  test('but does, is spoken to by TLS', async () => {
    const { url, requests } = await server(hello, { tls: 'server' })
    const send = await network({ tls: trusting, mayLackTls: new Set([url]) })
    for (const path of ['/a', '/b']) await text((await send(get(url + path))).body)
    expect(requests.map((request) => request.url)).toEqual(['/a', '/b'])
  })

  test('but does, is asked for nothing when its certificate is not trusted', async () => {
    const { url, requests } = await server(hello, { tls: 'server' })
    const send = await network({ mayLackTls: new Set([url]) })
    expect(await failure(send(get(url)))).toMatchObject({ code: 'TLS' })
    expect(requests).toEqual([])
  })
})

describe('a server that fails is met once per try, with an error that says who and what', () => {
  const closes = (socket: Socket) => void socket.once('data', () => socket.end())
  const resets = (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy())
  test.each([
    ['closes', 'http', closes, /registry .* closed the connection/],
    ['resets', 'http', resets, /registry .* closed the connection/],
    ['closes', 'https', closes, /registry .* closed the connection/],
    ['resets', 'https', resets, /registry .* closed the connection/],
    ['closes at once', 'http', (socket: Socket) => void socket.end(), /registry .* closed the connection/],
    ['is silent', 'http', silent, /registry .* did not answer in time/],
    ['is silent', 'https', silent, /no connection to the registry .*: it did not answer in time/],
    [
      'stops within its headers',
      'http',
      says('HTTP/1.1 200 OK\r\ncontent-'),
      /registry .* did not answer in time/,
    ],
  ])('%s (%s)', async (_what, scheme, behaviour, message) => {
    const { host, accepted, open } = await raw(behaviour)
    const send = await network({ timeout: 200 })
    const error = await failure(send({ ...get(`${scheme}://${host}/`), purpose: 'manifest' }))
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringMatching(message) })
    expect(error.message).toContain(host)
    expect(retryClass(error)).toBe('transient')
    expect(accepted()).toBe(1)
    await vi.waitFor(() => expect(open()).toBe(0))
  })

  test('a closed port is refused', async () => {
    const gone = await raw(silent)
    await gone[Symbol.asyncDispose]()
    cleanUps.pop()
    const error = await failure((await network())(get(`http://${gone.host}/`)))
    expect(error).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('refused the connection'),
    })
  })

  test('all of many requests that wait for the same dead host fail', async () => {
    const { host } = await raw((socket) => socket.destroy())
    const send = await network({ connections: 2, tls: trusting })
    const errors = await Promise.all(Array.from({ length: 10 }, () => failure(send(get(`https://${host}/`)))))
    expect(new Set(errors.map((error) => error.message)).size).toBe(1)
  })

  test.each(['expired', 'wrong-name'])(
    'so do those that wait for a host with the certificate %s',
    async (tls) => {
      const { url } = await server(hello, { tls })
      const send = await network({ connections: 2, tls: trusting })
      const errors = await Promise.all(Array.from({ length: 10 }, () => failure(send(get(url)))))
      expect(errors).toEqual(errors.map(() => expect.objectContaining({ code: 'TLS' })))
    },
  )
})

describe('a body', () => {
  test.each([
    ['is cut off', (socket: Socket) => socket.end(), /server .* closed the connection too early/],
    ['is reset', (socket: Socket) => socket.resetAndDestroy(), /server .* closed the connection too early/],
    ['stalls', silent, /server .* stopped sending/],
  ])(
    'that %s fails with an error that can be explained and is worth another try',
    async (_what, then, message) => {
      const { host } = await raw((socket) => {
        says('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello')(socket)
        socket.once('data', () => setTimeout(then, 20, socket))
      })
      const request = get(`http://${host}/`)
      const { body } = await (await network({ timeout: 200 }))(request)
      const error = await failure(text(body))
      expect(toNetworkError(error, request).message).toMatch(message)
      expect(retryClass(error)).toBe('transient')
    },
  )

  test('that drips is ended, with its connection, by an error that is worth another try', async () => {
    const { url, openSockets } = await server((_request, response) => {
      const clock = setInterval(() => response.write('.'), 50)
      response.on('close', () => clearInterval(clock))
    })
    const { body } = await (await network({ timeout: 1000 }))(get(url))
    const error = await failure(text(body))
    expect(toNetworkError(error, get(url)).message).toMatch(
      /server .* sent too slowly: less than 1 KiB\/s over 2 s/,
    )
    expect(retryClass(error)).toBe('transient')
    await vi.waitFor(() => expect(openSockets()).toBe(0))
  })

  test('that we take slowly is waited for, by both limits', async () => {
    const { url } = await server((_request, response) => void response.end(Buffer.alloc(2 ** 20)))
    const { body } = await (await network({ timeout: 100 }))(get(url))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await text(body)).length).toBe(2 ** 20)
  })

  test('that is destroyed takes its connection along', async () => {
    const { url, openSockets } = await server((_request, response) => void response.write('endless'))
    const { body } = await (await network())(get(url))
    body.destroy()
    await vi.waitFor(() => expect(openSockets()).toBe(0))
  })
})

describe('abort', () => {
  const stages = [
    ['while TLS is being set up', 'https', silent],
    ['while waiting for an answer', 'http', silent],
    ['in the middle of headers', 'http', says('HTTP/1.1 200 OK\r\nx')],
  ] as const

  test.each(stages)(
    'of the request %s settles at once and leaves no socket',
    async (_when, scheme, behaviour) => {
      const { host, accepted, open } = await raw(behaviour)
      const send = await network()
      const controller = new AbortController()
      const error = failure(send({ ...get(`${scheme}://${host}/`), signal: controller.signal }))
      await vi.waitFor(() => expect(accepted()).toBe(1))
      expect(await timeToAbort(controller, error)).toBeLessThan(1000)
      expect(await error).toMatchObject({ code: 'ABORTED' })
      await vi.waitFor(() => expect(open()).toBe(0))
      expect(accepted()).toBe(1)
    },
  )

  test.each(stages)(
    'of the pull %s settles at once and leaves no socket',
    async (_when, scheme, behaviour) => {
      const { host, accepted, open } = await raw(behaviour)
      const controller = new AbortController()
      const send = await network({ signal: controller.signal, connections: 2 })
      const errors = Promise.all([1, 2, 3, 4].map(() => failure(send(get(`${scheme}://${host}/`)))))
      await vi.waitFor(() => expect(accepted()).toBe(2))
      expect(await timeToAbort(controller, errors)).toBeLessThan(1000)
      expect(await errors).toEqual([1, 2, 3, 4].map(() => expect.objectContaining({ code: 'ABORTED' })))
      await vi.waitFor(() => expect(open()).toBe(0))
      await expect(send(get(`${scheme}://${host}/`))).rejects.toMatchObject({ code: 'ABORTED' })
      expect(accepted()).toBe(2)
    },
  )

  test('of one request leaves the others to the same host alone', async () => {
    const { url, requests, port } = await server(hello, { tls: 'server' })
    const send = await network({ tls: trusting })
    const controller = new AbortController()
    const aborted = failure(send({ ...get(url), signal: controller.signal }))
    const others = Promise.all([send(get(url)), send(get(`https://localhost:${port}/`))])
    controller.abort()
    expect(await aborted).toMatchObject({ code: 'ABORTED' })
    expect(await others).toMatchObject([{ status: 200 }, { status: 200 }])
    expect(requests).toHaveLength(2)
  })

  test('within a body ends the body and its connection', async () => {
    const { url, openSockets } = await server((_request, response) => void response.write('endless'))
    const controller = new AbortController()
    const { body } = await (await network())({ ...get(url), signal: controller.signal })
    const error = failure(text(body))
    controller.abort()
    expect((await error).name).toBe('AbortError')
    await vi.waitFor(() => expect(openSockets()).toBe(0))
  })

  test('before the request opens no socket', async () => {
    const { host, accepted } = await raw(silent)
    const error = failure((await network())({ ...get(`http://${host}/`), signal: AbortSignal.abort() }))
    expect(await error).toMatchObject({ code: 'ABORTED' })
    expect(accepted()).toBe(0)
  })

  test('close ends connections that undici has lost sight of', async () => {
    const endless = await server((_request, response) => void response.write('endless'), { tls: 'server' })
    const front = await raw((socket) => {
      if (front.accepted() <= 2) return socket.destroy()
      socket.pipe(connect(endless.port, '127.0.0.1')).pipe(socket)
    })
    const { transport, close } = await createUndiciTransport({ tls: trusting, connections: 2 })
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => transport(get(`https://${front.host}/`))))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(front.open()).toBe(1)
    await close()
    await vi.waitFor(() => expect(front.open()).toBe(0))
  })

  test('close ends what still runs, idle connections too', async () => {
    const { url, openSockets } = await server((request, response) => {
      if (request.url === '/quick') response.end()
    })
    const { transport, close } = await createUndiciTransport()
    const { body } = await transport(get(`${url}/quick`))
    await text(body)
    const error = failure(transport(get(`${url}/slow`)))
    await vi.waitFor(() => expect(openSockets()).toBe(1))
    await close()
    expect(await error).toMatchObject({ code: 'ABORTED' })
    await vi.waitFor(() => expect(openSockets()).toBe(0))
    await expect(transport(get(url))).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('a proxy', () => {
  const names = (port: number) => ({
    [`r.example:${port}`]: `127.0.0.1:${port}`,
    [`localhost:${port}`]: `127.0.0.1:${port}`,
  })

  test.each([undefined, 'server'])(
    'passes plain http on as a whole URL (proxy certificate: %s)',
    async (tls) => {
      const { port, requests } = await server(hello)
      const { host, requests: asked } = await proxy({ ...(tls && { tls }), hosts: names(port) })
      const send = await network({
        proxy: { http: `${tls ? 'https' : 'http'}://u:p%40ss@${host}` },
        tls: trusting,
      })
      const response = await send(get(`http://r.example:${port}/v2/?n=1`, { authorization: 'Bearer token' }))
      expect(await text(response.body)).toBe('hello')
      expect(response.url.href).toBe(`http://r.example:${port}/v2/?n=1`)
      expect(asked).toMatchObject([
        {
          line: `GET http://r.example:${port}/v2/?n=1`,
          headers: { host: `r.example:${port}`, 'proxy-authorization': basic('u:p@ss') },
        },
      ])
      expect(requests[0]?.headers).toMatchObject({ host: `r.example:${port}`, authorization: 'Bearer token' })
      expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    },
  )

  test.each([undefined, 'server'])('tunnels https (proxy certificate: %s)', async (tls) => {
    const { port, requests } = await server(hello, { tls: 'wrong-name' })
    const { host, requests: asked } = await proxy({
      ...(tls && { tls }),
      hosts: { [`registry.example:${port}`]: `127.0.0.1:${port}` },
    })
    const send = await network({
      proxy: { https: `${tls ? 'https' : 'http'}://u@${host}` },
      tls: trusting,
      userAgent: 'dray/1',
    })
    const request = get(`https://registry.example:${port}/`, { authorization: 'Bearer token' })
    for (const _ of [1, 2]) expect(await text((await send(request)).body)).toBe('hello')
    expect(asked).toEqual([
      {
        line: `CONNECT registry.example:${port}`,
        headers: {
          host: `registry.example:${port}`,
          'proxy-authorization': basic('u:'),
          'user-agent': 'dray/1',
        },
      },
    ])
    expect(requests).toHaveLength(2)
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer token' })
    expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  test('is not used for loopback and for what NO_PROXY names', async () => {
    const { url } = await server(hello)
    const send = await network({ proxy: { http: 'http://127.0.0.1:1' } })
    expect(await send(get(url))).toMatchObject({ status: 200 })
  })

  /** Short for those who have to be waited for. */
  const patience = (what: string) => (/silent|stops/.test(what) ? { timeout: 200 } : {})
  const answers = (line: string, headers = '') =>
    says(`HTTP/1.1 ${line}\r\n${headers}content-length: 2\r\n\r\nno`)
  const schemes =
    'proxy-authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\nproxy-authenticate: Basic realm="squid, x"\r\n'

  test.each([
    [
      'closes',
      (socket: Socket) => void socket.once('data', () => socket.end()),
      'NETWORK',
      'transient',
      /closed the connection/,
    ],
    [
      'closes at once',
      (socket: Socket) => void socket.end(),
      'NETWORK',
      'transient',
      /closed the connection/,
    ],
    [
      'resets',
      (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy()),
      'NETWORK',
      'transient',
      /closed the connection/,
    ],
    [
      'is silent',
      silent,
      'NETWORK',
      'transient',
      /^the proxy \S+ took the connection and did not answer in time$/,
    ],
    [
      'stops within its headers',
      says('HTTP/1.1 200 OK\r\nx'),
      'NETWORK',
      'transient',
      /did not answer in time/,
    ],
    [
      'has too many headers',
      says(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(200_000)}\r\n\r\n`),
      'NETWORK',
      'never',
      /^the proxy \S+ answered with more headers than dray accepts$/,
    ],
    [
      'has a broken header',
      says('HTTP/1.1 200 OK\r\nno header\r\n\r\n'),
      'NETWORK',
      'never',
      /not in valid HTTP: it said "HTTP\/1\.1 200 OK/,
    ],
    ['speaks no HTTP', says('SSH-2.0-OpenSSH\r\n'), 'NETWORK', 'never', /not in valid HTTP/],
    [
      'says 407',
      answers('407 Proxy Authentication Required', schemes),
      'PROXY_AUTH',
      'never',
      /407 Proxy Auth.*offers Negotiate, NTLM, Basic$/,
    ],
    [
      'says 401',
      answers('401 Unauthorized', 'www-authenticate: Basic\r\n'),
      'PROXY_AUTH',
      'never',
      /401 Unauthorized/,
    ],
    [
      'says 403',
      answers('403 Forbidden'),
      'NETWORK',
      'never',
      /refused to connect to r\.example:443: it answered 403 Forbidden/,
    ],
    [
      'says 302',
      answers('302 Found', 'location: http://login.example/\r\n'),
      'NETWORK',
      'never',
      /sends us to http:\/\/login\.example\/ \(302 Found\), which looks like a login page/,
    ],
    [
      'says 200 with a page',
      says('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 90\r\n\r\n<html>'),
      'NETWORK',
      'never',
      /answered with a web page \(200 OK\), which looks like a login page/,
    ],
    [
      'says 407 with a realm that looks like a scheme',
      answers('407 x', 'proxy-authenticate: Basic realm="a, Digest b=c", charset="UTF-8", NTLM\r\n'),
      'PROXY_AUTH',
      'never',
      /offers Basic, NTLM$/,
    ],
    [
      'says 502',
      answers('502 Bad\x1b[2J Gateway'),
      'NETWORK',
      'transient',
      /answered 502 Bad\\u\{1b\}\[2J Gateway/,
    ],
    [
      'says 503',
      answers('503 Service Unavailable', 'x-squid-error: ERR_DNS_FAIL 0\r\n'),
      'NETWORK',
      'transient',
      /was not able to connect to r\.example:443: it answered 503 Service Unavailable, ERR_DNS_FAIL$/,
    ],
  ])('that %s on CONNECT is met once, and called a proxy', async (what, behaviour, code, retry, message) => {
    const { host, accepted, open } = await raw(behaviour)
    const send = await network({ ...patience(what), proxy: { https: `http://user:hunter2@${host}` } })
    const error = await failure(send(get('https://r.example/')))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.message).toContain(`the proxy ${host}`)
    expect(`${error.message} ${(error as { hint?: string }).hint}`).not.toContain('hunter2')
    expect(retryClass(error)).toBe(retry)
    expect(accepted()).toBe(1)
    await vi.waitFor(() => expect(open()).toBe(0))
  })

  test.each(['200 OK', '204 No Content', '299 Fine'])('may say %s to CONNECT', async (line) => {
    const { host } = await raw(says(`HTTP/1.1 ${line}\r\n\r\n`))
    const error = await failure(
      (await network({ timeout: 200, proxy: { https: host } }))(get('https://r.example/')),
    )
    expect(error.message).toContain(`no connection to the server r.example (through the proxy ${host})`)
  })

  test.each([
    ['407 Proxy Authentication Required', schemes, 'PROXY_AUTH', /offers Negotiate, NTLM, Basic$/],
    [
      '401 Unauthorized',
      'proxy-authenticate: Basic realm="t"\r\n',
      'PROXY_AUTH',
      /401 Unauthorized.*offers Basic/,
    ],
  ])('that says %s to a plain http request wants credentials', async (line, headers, code, message) => {
    const { host } = await raw(answers(line, headers))
    const error = await failure((await network({ proxy: { http: host } }))(get('http://r.example/')))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test.each([
    ['', 'Negotiate, NTLM', /run a local helper proxy/],
    ['u:p@', 'Digest realm="x"', /run a local helper proxy/],
    ['', 'Basic realm="x"', /put them into HTTPS_PROXY: http:\/\/<user>:<password>@<host>:<port>/],
    ['u:p@', 'NTLM, basic realm="x"', /check user name and password in HTTPS_PROXY/],
  ])('that is told "%s" and offers %s has advice for the user', async (userinfo, offer, advice) => {
    const { host } = await raw(answers('407 x', `proxy-authenticate: ${offer}\r\n`))
    const settings = { https: `http://${userinfo}${host}`, from: { https: 'HTTPS_PROXY' } }
    const error = await failure((await network({ proxy: settings }))(get('https://r.example/')))
    expect(error).toMatchObject({ code: 'PROXY_AUTH', hint: expect.stringMatching(advice) })
    expect(error.message).toMatch(userinfo ? /does not accept/ : /wants a user name and password/)
  })

  test.each([
    [
      '503 x',
      'server: squid/5.7\r\nx-squid-error: ERR_CONNECT_FAIL 111\r\n',
      'transient',
      /was not able.*503 x/,
    ],
    ['500 x', 'server: tinyproxy/1.11.1\r\n', 'transient', /was not able to connect to r\.example.*500 x/],
    ['403 x', 'server: squid\r\n', 'never', /refused to connect to r\.example: it answered 403 x/],
    ['200 OK', 'content-type: text/html; charset=utf-8\r\n', 'never', /which looks like a login page/],
  ])(
    'that answers a plain http request itself (%s) is called a proxy',
    async (line, headers, retry, message) => {
      const { host } = await raw(answers(line, headers))
      const send = await network({ proxy: { http: host } })
      const error = await failure(send({ ...get('http://r.example/v2/'), purpose: 'manifest' }))
      expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringMatching(message) })
      expect(error.message).toContain(`the proxy ${host}`)
      expect(retryClass(error)).toBe(retry)
    },
  )

  test.each([
    ['503 x', 'server: nginx\r\nvia: 1.1 squid\r\ncontent-type: text/html\r\n', 'manifest'],
    ['404 x', 'content-type: text/html\r\n', 'manifest'],
    ['200 OK', 'content-type: text/html\r\n', 'blob'],
    ['302 Found', 'location: http://elsewhere.example/\r\n', 'manifest'],
  ] as const)(
    'passes on what may be the answer of a registry (%s, %j, %s)',
    async (line, headers, purpose) => {
      const { host } = await raw(answers(line, headers))
      const send = await network({ proxy: { http: host } })
      const { status } = await send({ ...get('http://r.example/v2/'), purpose })
      expect(status).toBe(Number.parseInt(line, 10))
    },
  )

  test("passes on the registry's own 401", async () => {
    const { host } = await raw(answers('401 Unauthorized', 'www-authenticate: Basic realm="r"\r\n'))
    expect(await (await network({ proxy: { http: host } }))(get('http://r.example/'))).toMatchObject({
      status: 401,
    })
  })

  test.each([
    ['http', { http: 'http://localhost:1' }],
    ['https', { https: 'http://localhost:1' }],
  ])('that is not there is called a proxy (%s)', async (scheme, settings) => {
    const error = await failure((await network({ proxy: settings }))(get(`${scheme}://r.example/`)))
    expect(error).toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/^the proxy localhost:1 refused the connection/),
    })
  })

  test('that is to speak TLS and is silent took the connection', async () => {
    const { host } = await raw(silent)
    const send = await network({ timeout: 200, proxy: { https: `https://${host}` } })
    const { message } = await failure(send(get('https://r.example/')))
    expect(message).toBe(`the proxy ${host} took the connection and did not answer in time`)
  })

  describe('of another kind than its address says is recognised', () => {
    const closes = (socket: Socket) => void socket.once('data', () => socket.end())
    test.each([
      ['http', says('\x15\x03\x01\x00\x02\x02\x46'), /not in valid HTTP: it speaks TLS/, /https:\/\//],
      ['http', says('\x05\xff'), /not in valid HTTP: it speaks SOCKS5/, /socks5:\/\//],
      ['http', closes, /closed the connection/, /https:\/\/ or socks5:\/\//],
      ['http', says('SSH-2.0-x\r\n'), /not in valid HTTP: it said "SSH-2\.0-x"/, /check the port/],
      ['https', says('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak TLS/, /http:\/\//],
      ['https', closes, /closed the connection/, /http:\/\/ or socks5:\/\//],
    ])('%s', async (scheme, behaviour, message, hint) => {
      const { host, accepted } = await raw(behaviour)
      for (const url of ['https://r.example/', 'http://r.example/']) {
        const send = await network({ proxy: { all: `${scheme}://${host}` } })
        const error = await failure(send(get(url)))
        expect(error).toMatchObject({
          message: expect.stringMatching(message),
          hint: expect.stringMatching(hint),
        })
        expect(error.message).toContain(`the proxy ${host}`)
      }
      expect(accepted()).toBe(2)
    })
  })

  describe('that can read credentials', () => {
    const withSecret = { authorization: 'Bearer hunter2' }

    async function warnings(
      proxied: string,
      ...requests: readonly HttpRequest[]
    ): Promise<readonly string[]> {
      const said: string[] = []
      const send = await network({ proxy: { all: proxied }, onWarning: (text) => said.push(text) })
      for (const request of requests) await send(request).catch(() => {})
      return said
    }

    test.each(['http', 'socks5'])('is named in a warning, once (%s)', async (scheme) => {
      const { host } = await raw(says('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'))
      const requests = [
        get('http://r.example/'),
        get('http://r.example/', withSecret),
        get('http://s.example/', withSecret),
      ]
      expect(await warnings(`${scheme}://${host}`, ...requests)).toEqual([
        `credentials for r.example are sent in plain http, and the proxy ${host} can read them on the way`,
      ])
    })

    test('may read them in the body of a request too', async () => {
      const { host } = await raw(says('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'))
      const request = { ...get('http://r.example/token'), method: 'POST', body: 'refresh_token=x' } as const
      expect(await warnings(host, request)).toHaveLength(1)
    })

    test('is not warned of where there are none, or nothing that it can read', async () => {
      const { host } = await raw(says('HTTP/1.1 503 x\r\n\r\n'))
      const requests = [get('https://r.example/', withSecret), get('http://127.0.0.1:1/', withSecret)]
      expect(await warnings(host, get('http://r.example/'), ...requests)).toEqual([])
    })
  })

  test('whose certificate is bad is called a proxy', async () => {
    const { host } = await proxy({ tls: 'expired' })
    const error = await failure(
      (await network({ proxy: { https: `https://${host}` }, tls: trusting }))(get('https://r.example/')),
    )
    expect(error).toMatchObject({
      code: 'TLS',
      message: expect.stringContaining(`certificate of the proxy ${host} has expired`),
    })
  })

  test.each([
    ['is silent', silent],
    ['has opened a tunnel', says('HTTP/1.1 200 OK\r\n\r\n')],
  ])('that %s does not keep an aborted request', async (_what, behaviour) => {
    const { host, accepted, received, open } = await raw(behaviour)
    const controller = new AbortController()
    const send = await network({ proxy: { https: host } })
    const error = failure(send({ ...get('https://r.example/'), signal: controller.signal }))
    await vi.waitFor(() => expect(received()[0]).toContain('CONNECT'))
    expect(await timeToAbort(controller, error)).toBeLessThan(1000)
    await vi.waitFor(() => expect(open()).toBe(0))
    expect(accepted()).toBe(1)
  })

  test('with TLS that is silent within does not keep an aborted request either', async () => {
    const inner = await raw(silent)
    const { host } = await proxy({ tls: 'server' })
    const controller = new AbortController()
    const send = await network({ proxy: { https: `https://${host}` }, tls: trusting })
    const target = `https://r.example:${inner.host.split(':')[1]}/`
    const error = failure(send({ ...get(target), signal: controller.signal }))
    controller.abort()
    expect(await error).toMatchObject({ code: 'ABORTED' })
    await vi.waitFor(() => expect(inner.open()).toBe(0))
  })
})

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

/** From the abort to the end of what it ends, in milliseconds. */
async function timeToAbort(controller: AbortController, ended: Promise<unknown>): Promise<number> {
  const start = performance.now()
  controller.abort()
  await ended
  return performance.now() - start
}

test('of a body in many chunks, no more comes than its slow reader takes', async () => {
  const chunk = Buffer.alloc(16 * 1024)
  const count = 2000
  const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  const { host } = await raw((socket) => {
    const send = async () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      for (let i = 0; i < count && !socket.destroyed; i++) {
        if (!socket.write(framed)) await once(socket, 'drain')
      }
      socket.end('0\r\n\r\n')
    }
    socket.once('data', () => void send())
  })
  const send = await network()
  const { body } = await send(get(`http://${host}/`))
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  let size = 0
  for await (const piece of body) {
    size += piece.length
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    if (size % (64 * 1024) < piece.length) await delay(1)
  }
  expect(size).toBe(count * chunk.length)
  expect(most).toBeLessThan(100_000_000)
})
