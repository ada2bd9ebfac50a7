import { describe, expect, onTestFinished, test } from 'vitest'
import { createUndiciTransport } from '../../../src/http/undici-transport.ts'
import { checkLogin, type LoginCheck } from '../../../src/registry/check-login.ts'
import { defaultEndpoints, type Endpoint } from '../../../src/registry/endpoint.ts'
import { type Handler, type ServeOptions, serve } from '../../support/serve.ts'

const alice = { username: 'alice', password: 'correct horse: battery' }
const basic = `Basic ${Buffer.from('alice:correct horse: battery').toString('base64')}`

async function start(handler: Handler, options: ServeOptions = {}) {
  const server = await serve(handler, options)
  onTestFinished(() => server.close())
  return server
}

interface Given extends Partial<LoginCheck> {
  readonly plainHttp?: boolean
}

async function check(registry: string, { plainHttp, ...given }: Given = {}) {
  const { transport, close } = await createUndiciTransport({ tls: { insecure: true }, timeout: 5000 })
  onTestFinished(close)
  const [endpoint] = defaultEndpoints({ registry, repository: '' }, { plainHttp })
  if (!endpoint) throw new Error('no endpoint')
  return checkLogin({ transport, endpoint, ...alice, retries: 0, ...given })
}

const json = { 'content-type': 'application/json' }
const words = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] })

/** A registry that takes this login only. */
const wantsBasic =
  (login = basic): Handler =>
  (request, response) => {
    if (request.headers.authorization === login) response.writeHead(200, json).end('{}')
    else
      response
        .writeHead(401, { ...json, 'www-authenticate': 'Basic realm="r"' })
        .end(words('UNAUTHORIZED', 'wrong user name or password'))
  }

/** A registry and its token server, which gives a token to whoever has this login. */
const wantsToken =
  (login = basic): Handler =>
  (request, response) => {
    const { url = '', headers } = request
    const { pathname } = new URL(url, 'http://by.proxy') // which asks for whole URLs
    if (pathname === '/token') {
      if (headers.authorization === login) response.writeHead(200, json).end('{"token":"t0ken"}')
      else response.writeHead(401, json).end(words('UNAUTHORIZED', 'wrong user name or password'))
    } else if (headers.authorization === 'Bearer t0ken') response.writeHead(200, json).end('{}')
    else {
      const challenge = `Bearer realm="http://${headers.host}/token",service="the service"`
      response.writeHead(401, { ...json, 'www-authenticate': challenge }).end('{}')
    }
  }

describe('a login that is right', () => {
  test.each([
    ['Basic', wantsBasic()],
    ['Bearer', wantsToken()],
  ])('is accepted by a registry that asks for %s', async (_, handler) => {
    const { host } = await start(handler)
    expect(await check(host)).toBe('accepted')
  })

  test('asks for a token of no repository, for this account', async () => {
    const { host, requests } = await start(wantsToken())
    await check(host)
    expect(requests.map(({ url }) => url)).toEqual([
      '/v2/',
      '/token?service=the+service&account=alice',
      '/v2/',
    ])
  })

  test('is accepted over TLS, and http is never tried', async () => {
    const { host, requests } = await start(wantsBasic(), { tls: 'server' })
    expect(await check(host)).toBe('accepted')
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic])
  })

  test('proves nothing where nobody asks for one, and is not sent there', async () => {
    const { host, requests } = await start((_, response) => {
      response.writeHead(200, json).end('{}')
    })
    expect(await check(host)).toBe('not asked')
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('is accepted by a registry that calls its answers web pages', async () => {
    const headers = { 'content-type': 'text/html', 'docker-distribution-api-version': 'registry/2.0' }
    const { host } = await start((_, response) => {
      response.writeHead(200, headers).end()
    })
    expect(await check(host)).toBe('not asked')
  })
})

describe('a login that is wrong', () => {
  test.each([
    ['Basic', wantsBasic('Basic other')],
    ['Bearer', wantsToken('Basic other')],
  ])('is refused by a registry that asks for %s, in its words, without the password', async (_, handler) => {
    const { host } = await start(handler)
    const error = await check(host).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/^\S+ refused the login of alice.*wrong user name or password/),
      hint: expect.stringContaining('user name'),
    })
    expect(String(error)).toContain(`${host} refused`)
    expect(String(error)).not.toContain(alice.password)
  })

  test('is refused where a good token opens nothing', async () => {
    const { host } = await start((request, response) => {
      const answersToken = request.headers.authorization === 'Bearer t0ken'
      if (answersToken) response.writeHead(403, json).end(words('DENIED', 'no subscription'))
      else return wantsToken()(request, response)
    })
    await expect(check(host)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: `${host} refused the login of alice (403) (DENIED: no subscription)`,
    })
  })
})

describe('what is no registry is called that', () => {
  const page = '<!doctype html><title>Welcome</title>'
  const answers: readonly [string, number, Record<string, string>, string, string, RegExp][] = [
    ['nothing there', 404, {}, 'nope', 'NETWORK', /not a container registry.*404/],
    ['a web page', 200, { 'content-type': 'text/html' }, page, 'NETWORK', /web page \(title: Welcome\)/],
    ['a failing server', 500, json, '{}', 'NETWORK', /answered 500/],
    ['a busy one', 429, json, '{}', 'RATE_LIMITED', /429/],
    [
      'one that wants Kerberos',
      401,
      { 'www-authenticate': 'Negotiate' },
      '',
      'UNAUTHORIZED',
      /lets nobody in \(401\).*negotiate/,
    ],
    ['a shut door', 403, {}, 'go away', 'UNAUTHORIZED', /lets nobody in \(403\) \(go away\)/],
  ]
  test.each(answers)('%s', async (_, status, headers, body, code, message) => {
    const { host, requests } = await start((_, response) => {
      response.writeHead(status, headers).end(body)
    })
    await expect(check(host)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(requests.map(({ headers }) => headers.authorization)).not.toContain(basic)
  })

  test('nobody at all', async () => {
    await expect(check('127.0.0.1:9')).rejects.toMatchObject({ code: 'NETWORK' })
  })
})

describe('over plain http', () => {
  const elsewhere = new URL('http://reg.test/v2/')
  const endpoint: Endpoint = { root: elsewhere, registry: 'reg.test', repository: '' }

  /** A server under another name than that of this machine. */
  async function fakeHost(handler: Handler) {
    const { url } = await start(handler)
    const { transport, close } = await createUndiciTransport({ proxy: { http: url } })
    onTestFinished(close)
    return transport
  }

  test('a password goes where the user chose http, and that is said, once', async () => {
    const warnings: string[] = []
    const transport = await fakeHost(wantsToken())
    const onWarning = (message: string) => warnings.push(message)
    expect(await check('reg.test', { endpoint, transport, onWarning })).toBe('accepted')
    expect(warnings).toEqual([expect.stringContaining('plain http')])
  })

  test('a password goes nowhere else', async () => {
    const { host, requests } = await start(wantsBasic())
    const withoutTls = new URL(`http://${host.replace('127.0.0.1', 'registry.localtest')}/v2/`)
    const { transport, close } = await createUndiciTransport({ proxy: { http: `http://${host}` } })
    onTestFinished(close)
    const downgraded = { ...endpoint, root: new URL(`https://${host}/v2/`), withoutTls }
    await expect(check('reg.test', { endpoint: downgraded, transport })).rejects.toMatchObject({
      code: 'POLICY',
    })
    expect(requests.map(({ headers }) => headers.authorization)).not.toContain(basic)
  })
})

test('whoever has asked over TLS is not asked again in the open when the token server fails', async () => {
  const tokenServer = await start(wantsToken())
  const { host } = await start(
    (_, response) => {
      const challenge = `Bearer realm="https://${tokenServer.host}/token"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    },
    { tls: 'server' },
  )
  const asked: string[] = []
  const onRequest = ({ url }: { url: string }) => asked.push(url)
  await expect(check(host, { onRequest })).rejects.toMatchObject({ code: 'TLS' })
  expect(new Set(asked)).toEqual(
    new Set([`https://${host}/v2/`, `https://${tokenServer.host}/token?account=***`]),
  )
})

test('a moment of weakness is passed over', async () => {
  let busy = true
  const { host } = await start((request, response) => {
    if (!busy) return wantsBasic()(request, response)
    busy = false
    response.writeHead(503).end()
  })
  const retries: string[] = []
  const onRetry = ({ reason }: { reason: string }) => retries.push(reason)
  expect(await check(host, { retries: 1, onRetry })).toBe('accepted')
  expect(retries).toEqual([`${host} answered 503`])
})

test('somebody waits for a login: there are two more tries unless more are asked for', async () => {
  const { host } = await start((_, response) => void response.writeHead(503).end())
  const stop = new AbortController()
  const planned: number[] = []
  const onRetry = ({ attempts }: { attempts: number }) => {
    planned.push(attempts)
    stop.abort()
  }
  await expect(check(host, { retries: undefined, onRetry, signal: stop.signal })).rejects.toThrow()
  expect(planned).toEqual([2])
})
