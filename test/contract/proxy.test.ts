import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { basic, registry, withBasicAuth, withCutBlobs } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'

const ca = fileURLToPath(new URL('../fixtures/tls/ca.crt', import.meta.url))

/**
 * A proxy that resolves every name to this machine, so that a registry can have a name that exists only behind it. It
 * records what it was asked and by whom.
 */
async function proxyDuringTest(credentials?: string) {
  const seen: {
    method: string
    target: string
    authorization: string | undefined
    proxyAuthorization: string | undefined
  }[] = []
  const server = createServer((request, response) => {
    record(request)
    if (credentials && request.headers['proxy-authorization'] !== credentials) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="test proxy"' }).end()
      return
    }
    const target = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    httpRequest(
      { host: '127.0.0.1', port: target.port, path: target.pathname + target.search, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('error', () => response.destroy()).pipe(response)
      },
    ).end()
  })
  const record = (request: IncomingMessage) =>
    seen.push({
      method: request.method ?? '',
      target: request.url ?? '',
      authorization: request.headers.authorization,
      proxyAuthorization: request.headers['proxy-authorization'],
    })
  server.on('connect', (request, client) => {
    record(request)
    client.on('error', () => {})
    if (credentials && request.headers['proxy-authorization'] !== credentials) {
      client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
      )
      return
    }
    const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

async function images() {
  const content = createContent()
  addImage(content, buildImage({ layers: [await buildLayer({ a: 'a' })] }), 'app:1')
  return registry(content)
}

test('an https registry is reached through CONNECT, and the proxy sees neither its requests nor its credentials', async () => {
  const server = await serveDuringTest(withBasicAuth(await images(), 'alice', 's3cret'), {
    tls: 'behind-proxy',
  })
  const proxy = await proxyDuringTest(basic('p@x', 'q:r'))

  const { exitCode, stderr } = await runDray(['--ca', ca, `registry.test:${server.port}/app:1`], {
    env: { HTTPS_PROXY: `http://p%40x:q%3Ar@${proxy.host}`, DRAY_USERNAME: 'alice', DRAY_PASSWORD: 's3cret' },
  })

  expect({ exitCode, stderr: exitCode ? stderr : '' }).toEqual({ exitCode: 0, stderr: '' })
  expect(new Set(proxy.seen.map(({ method, target }) => `${method} ${target}`))).toEqual(
    new Set([`CONNECT registry.test:${server.port}`]),
  )
  expect(proxy.seen.filter(({ authorization }) => authorization)).toEqual([])
  expect(server.requests.filter(({ headers }) => headers['proxy-authorization'])).toEqual([])
})

test('a plain-http registry is asked through the proxy in absolute form', async () => {
  const server = await serveDuringTest(await images())
  const proxy = await proxyDuringTest()

  const { exitCode } = await runDray([
    '--plain-http',
    '--proxy',
    `http://${proxy.host}`,
    `registry.test:${server.port}/app:1`,
  ])

  expect(exitCode).toBe(0)
  expect(proxy.seen[0]).toMatchObject({
    method: 'GET',
    target: `http://registry.test:${server.port}/v2/app/manifests/1`,
  })
  expect(server.requests[0]?.headers.host).toBe(`registry.test:${server.port}`)
})

test('a proxy that refuses the password is named, with the schemes that it offers', async () => {
  const server = await serveDuringTest(await images(), { tls: 'behind-proxy' })
  const proxy = await proxyDuringTest(basic('a', 'b'))

  const { exitCode, stderr } = await runDray(['--ca', ca, `registry.test:${server.port}/app:1`], {
    env: { HTTPS_PROXY: `http://a:wr0ng@${proxy.host}` },
  })

  expect(exitCode).toBe(4)
  for (const word of ['proxy', proxy.host, '407', 'Negotiate', 'Basic']) expect(stderr).toContain(word)
  expect(stderr).not.toContain('wr0ng')
})

test.each([
  ['in a tunnel', true],
  ['that is passed on', false],
])('a blob that breaks off %s is told with the proxy that it came through', async (_, tunnelled) => {
  const broken = withCutBlobs(await images(), (length) => Math.floor(length / 2))
  const server = await serveDuringTest(broken, tunnelled ? { tls: 'behind-proxy' } : {})
  const proxy = await proxyDuringTest()

  const { exitCode, stderr } = await runDray(
    [
      ...(tunnelled ? ['--ca', ca] : ['--plain-http']),
      '--retries',
      '0',
      `registry.test:${server.port}/app:1`,
    ],
    { env: { HTTPS_PROXY: proxy.host, HTTP_PROXY: proxy.host } },
  )

  expect(exitCode).toBe(5)
  expect(stderr).toContain(`the server registry.test:${server.port} (through the proxy ${proxy.host}) closed`)
})

test('NO_PROXY and --no-proxy keep a host off the proxy', async () => {
  const server = await serveDuringTest(await images())
  const proxy = await proxyDuringTest()

  for (const [args, env] of [
    [['--no-proxy', '.test'], {}],
    [[], { NO_PROXY: '.test' }],
  ] as const) {
    const { exitCode, stderr } = await runDray(
      ['--plain-http', '--retries', '0', ...args, `registry.test:${server.port}/app:1`],
      {
        env: { HTTP_PROXY: `http://${proxy.host}`, ...env },
      },
    )
    expect(exitCode).toBe(5)
    expect(stderr).toContain('registry.test')
  }
  expect(proxy.seen).toEqual([])
})

test('loopback never goes through a proxy', async () => {
  const server = await serveDuringTest(await images())
  const proxy = await proxyDuringTest()

  const { exitCode } = await runDray([`${server.host}/app:1`], {
    env: { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` },
  })

  expect(exitCode).toBe(0)
  expect(proxy.seen).toEqual([])
})

test.each([
  ['npm_config_https_proxy', (host: string) => ({ npm_config_https_proxy: `http://${host}` })],
  ['npm_config_proxy', (host: string) => ({ npm_config_proxy: host, npm_config_https_proxy: 'null' })],
  ['ALL_PROXY', (host: string) => ({ ALL_PROXY: host })],
])('a registry is reached through the proxy that %s names', async (_, settings) => {
  const server = await serveDuringTest(await images(), { tls: 'behind-proxy' })
  const proxy = await proxyDuringTest()

  const { exitCode, stderr } = await runDray(['--ca', ca, `registry.test:${server.port}/app:1`], {
    env: settings(proxy.host),
  })

  expect({ exitCode, stderr: exitCode ? stderr : '' }).toEqual({ exitCode: 0, stderr: '' })
  expect(proxy.seen[0]).toMatchObject({ method: 'CONNECT', target: `registry.test:${server.port}` })
})

test.each([
  ['socks4://user:hunter2@proxy:1080', 'HTTPS_PROXY names a SOCKS4 proxy', 'socks5://'],
  ['http://user:12#hunter2@proxy:3128', 'HTTPS_PROXY is not the address of a proxy', 'percent-encoded'],
])(
  'the proxy setting %s is a usage error that names the variable and shows no password',
  async (setting, message, hint) => {
    const { exitCode, stderr } = await runDray(['registry.test/app:1'], { env: { HTTPS_PROXY: setting } })
    expect(exitCode).toBe(2)
    for (const word of [message, hint]) expect(stderr).toContain(word)
    expect(stderr).not.toContain('hunter2')
  },
)
