import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import '../support/symptoms/names.mjs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { canary, findCanaries, findCanariesIn } from '../support/canary.ts'
import { testWithHelpers, writeHelper } from '../support/credential-helper.ts'
import { FakeStream } from '../support/fake-stream.ts'
import { addImage, buildImage, createContent, layerOf } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { rawServer } from '../unit/http/raw-server.ts'
import { socksServer } from '../unit/http/socks-server.ts'

const fixtures = fileURLToPath(new URL('../fixtures/tls', import.meta.url))

type Command = 'pull' | 'doctor' | 'login' | 'logout'

/** What a user has on this machine, and types. HOST stands for the registry, OTHER for the other server, HOME for the home. */
interface Plant {
  readonly env?: Readonly<Record<string, string>>
  /** Below the home directory. */
  readonly files?: Readonly<Record<string, string>>
  /** The bodies of credential helpers, by name. */
  readonly helpers?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** In place of `HOST/app:1` or `HOST`. */
  readonly name?: string
  readonly stdin?: string
}

interface Fault extends Plant {
  readonly fault: string
  /** Default: pull, doctor. */
  readonly commands?: readonly Command[]
  readonly server?: Handler
  readonly tls?: string
  /** A proxy, a mirror, the host of the blobs: its `host` is OTHER. */
  readonly other?: () => Promise<{ readonly host: string }>
  /** What is said when the fault was really met. */
  readonly says: RegExp
}

const content = createContent()
addImage(content, buildImage({ layers: [layerOf(Buffer.alloc(1024))] }), 'app:1')
const images = registry(content)

/** Between them everything that is ever said, in both languages. */
const modes: Readonly<Record<Command, readonly (readonly string[])[]>> = {
  pull: [
    ['--debug', '-v'],
    ['--debug', '--json', '--progress', 'json'],
  ],
  doctor: [['--debug', '--json']],
  login: [['--debug', '--json']],
  logout: [['--debug', '--json']],
}

/** Runs every command in every mode into a fault, and searches whatever is left behind. */
async function meet(fault: Fault): Promise<{ readonly said: string; readonly leaks: readonly string[] }> {
  const server = await serveDuringTest(fault.server ?? images, fault.tls ? { tls: fault.tls } : {})
  const other = await fault.other?.()
  const results = []
  for (const command of fault.commands ?? ['pull', 'doctor']) {
    for (const mode of modes[command]) {
      results.push(await run(fault, command, mode, server, other?.host ?? ''))
    }
  }
  return {
    said: results.map(({ said }) => said).join('\n'),
    leaks: results.flatMap(({ leaks }) => leaks),
  }
}

async function run(
  fault: Fault,
  command: Command,
  mode: readonly string[],
  server: TestServer,
  other: string,
) {
  const directory = temporaryDirectory()
  const [home, work, temporary, programs] = ['home', 'work', 'tmp', 'bin'].map((name) => {
    mkdirSync(join(directory, name))
    return join(directory, name)
  }) as [string, string, string, string]
  const host = `registry.example:${server.port}`
  const fill = (text: string) =>
    text.replaceAll('HOST', host).replaceAll('OTHER', other).replaceAll('HOME', home)

  const planted = new Set<string>([join(home, '.docker', 'config.json')])
  for (const [name, text] of Object.entries(fault.files ?? {})) {
    const file = join(home, fill(name))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, fill(text))
    planted.add(file)
  }
  for (const [name, body] of Object.entries(fault.helpers ?? {})) writeHelper(programs, name, body)

  const env = Object.entries(fault.env ?? {}).map(([name, value]) => [name, fill(value)])
  const { args = fault.tls ? [] : ['--plain-http'] } = fault
  const name = fill(fault.name ?? (command === 'pull' || command === 'doctor' ? 'HOST/app:1' : 'HOST'))
  const flags = command === 'logout' ? [] : ['--retries', '0', ...args.map(fill)]
  const { stdout, stderr } = await runMain([command, name, ...flags, ...mode], {
    cwd: work,
    env: {
      HOME: home,
      USERPROFILE: home,
      XDG_RUNTIME_DIR: join(home, 'run'),
      TMPDIR: temporary,
      TEMP: temporary,
      PATH: `${programs}:${process.env.PATH}`,
      ...Object.fromEntries(env),
    },
    stdin: fault.stdin ?? '',
  })
  const label = `${command} ${mode.join(' ')}`
  return {
    said: `${stdout}\n${stderr}`,
    leaks: [
      ...findCanaries(stdout).map((trace) => `${label}, stdout: ${trace}`),
      ...findCanaries(stderr).map((trace) => `${label}, stderr: ${trace}`),
      ...findCanariesIn(directory, planted).filter((trace) => !trace.startsWith(programs)),
    ],
  }
}

/** The whole command, in this process, which is quicker than hundreds of others. */
async function runMain(
  args: readonly string[],
  {
    cwd,
    env,
    stdin,
  }: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly stdin: string },
) {
  const [stdout, stderr] = [new FakeStream(), new FakeStream()]
  const before = process.cwd()
  for (const name of ['HOME', 'USERPROFILE', 'TMPDIR', 'TEMP']) vi.stubEnv(name, env[name])
  process.chdir(cwd)
  try {
    await main(['node', 'dray', ...args], {
      env,
      stdin: () => Readable.from([stdin]),
      stdout,
      stderr,
      signals: new EventEmitter(),
      exit: () => {},
    })
    return { stdout: stdout.text, stderr: stderr.text }
  } finally {
    process.chdir(before)
    vi.unstubAllEnvs()
  }
}

function expectNoLeak(): (fault: Fault) => Promise<void> {
  return async (fault) => {
    const { said, leaks } = await meet(fault)
    expect(leaks).toEqual([])
    expect(said).toMatch(fault.says)
  }
}

const password = canary('password')
const login: Plant = { env: { DRAY_USERNAME: 'alice', DRAY_PASSWORD: password } }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const stored = (entry: object) => ({ '.docker/config.json': JSON.stringify({ auths: { HOST: entry } }) })

/** Everything that a request was sent with, the header and what it stands for. */
async function confession(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  const { authorization = '', 'proxy-authorization': forProxy = '', ...others } = request.headers
  const decoded = [authorization, forProxy]
    .filter((value) => value.startsWith('Basic '))
    .map((value) => Buffer.from(value.slice(6), 'base64').toString())
  const parts = [...decoded, authorization, forProxy, body, decodeURIComponent(body), others['x-key']]
  return parts.filter(Boolean).join(' ')
}

type Shape = (text: string) => readonly [type: string, body: string]

const asSpec: Shape = (text) => [
  'application/json',
  JSON.stringify({ errors: [{ code: text, message: `bad: ${text}`, detail: text }] }),
]
const asPage: Shape = (text) => ['text/html', `<html><title>Sorry: ${text}</title>${text}</html>`]
const asError: Shape = (text) => [
  'text/html',
  `<html><title>403 Forbidden</title><p>You have sent us: ${text}</p></html>`,
]
const asText: Shape = (text) => ['text/plain', `denied to ${text}`]
const asXml: Shape = (text) => [
  'application/xml',
  `<Error><Code>${text}</Code><Message>${text}</Message></Error>`,
]
const asOauth: Shape = (text) => [
  'application/json',
  JSON.stringify({ error: text, error_description: `not good: ${text}` }),
]
const asDetails: Shape = (text) => ['application/json', JSON.stringify({ details: text })]

/** Repeats to whoever asks what they have sent: in the body, in headers, in the reason. */
function echo(status: number, shape: Shape, more: Readonly<Record<string, string>> = {}): Handler {
  return async (request, response) => {
    const text = (await confession(request)).replace(/[^ -~]/g, '?')
    const [type, body] = shape(text)
    response.writeHead(status, text, {
      'content-type': type,
      warning: `299 - "you said ${text.replaceAll('"', '')}"`,
      'x-echo': text,
      'docker-ratelimit-source': text,
      'set-cookie': `session=${canary('cookie')}`,
      ...more,
    })
    response.end(body)
  }
}

/** Asks for a login first. */
const asking =
  (challenge: string, next: Handler): Handler =>
  (request, response) => {
    if (request.headers.authorization) return next(request, response)
    const realm = `http://${request.headers.host}/token`
    response.writeHead(401, { 'www-authenticate': challenge.replace('REALM', realm) }).end()
  }

const atToken =
  (token: Handler, next: Handler): Handler =>
  (request, response) =>
    (request.url?.startsWith('/token') ? token : next)(request, response)

const bearer = 'Bearer realm="REALM",service="test"'

const issuing: Handler = (_, response) =>
  void response.end(JSON.stringify({ token: canary('token').replace(/[^ -~]/g, ''), expires_in: 300 }))

describe('a server that repeats what it was sent is not repeated:', () => {
  test.each<Fault>([
    { fault: 'a wrong password, 401', server: echo(401, asSpec), says: /refused|no access|\b401\b/ },
    { fault: 'a wrong password, 403', server: echo(403, asPage), says: /Sorry/ },
    { fault: 'a forbidden page', server: echo(403, asError), says: /You have sent us/ },
    { fault: 'a 404', server: echo(404, asText), says: /denied to/ },
    { fault: 'a 407', server: echo(407, asText), says: /407/ },
    { fault: 'a 429', server: echo(429, asSpec), says: /fewer requests/ },
    {
      fault: 'a 429 with limits',
      server: echo(429, asSpec, { 'ratelimit-limit': '100;w=60' }),
      says: /limits/,
    },
    { fault: 'a 500', server: echo(500, asXml), says: /answered 500/ },
    { fault: 'a 503', server: echo(503, asOauth), says: /not good/ },
    { fault: 'a 418', server: echo(418, asDetails), says: /answered 418/ },
    { fault: 'a web page in place of content', server: echo(200, asPage), says: /web page/ },
    {
      fault: 'content in a strange coding',
      server: (request, response) => {
        const encoding = (request.headers.authorization ?? '').replace('Basic ', 'x-')
        response.writeHead(200, { 'content-encoding': encoding }).end('?')
      },
      commands: ['pull', 'doctor'],
      says: /coded as/,
    },
  ])('$fault, to a password', async (fault) => {
    const { server = images } = fault
    const commands = fault.commands ?? (['pull', 'doctor', 'login'] as const)
    await expectNoLeak()({ ...login, ...fault, commands, server: asking('Basic realm="r"', server) })
  })

  test.each<Fault>([
    { fault: '401', server: echo(401, asSpec), says: /refused/ },
    { fault: '403', server: echo(403, asDetails), says: /refused/ },
    { fault: '400', server: echo(400, asOauth), says: /not good/ },
    { fault: '404', server: echo(404, asText), says: /answered 404/ },
    { fault: '429', server: echo(429, asText), says: /fewer requests/ },
    { fault: '500', server: echo(500, asXml), says: /answered 500/ },
    { fault: 'a web page', server: echo(200, asPage), says: /web page/ },
    { fault: 'JSON without a token', server: echo(200, asDetails), says: /no token/ },
    {
      fault: 'a redirect',
      server: async (request, response) => {
        const text = encodeURIComponent(await confession(request))
        response.writeHead(307, { location: `http://169.254.169.254/?said=${text}` }).end()
      },
      says: /169\.254/,
    },
  ])('$fault of a token server, to a password and to an identity token', async (fault) => {
    const { server = images } = fault
    const guarded = atToken(server, asking(bearer, images))
    const commands = ['pull', 'doctor', 'login'] as const
    await expectNoLeak()({ ...login, ...fault, commands, server: guarded })
    const files = stored({ identitytoken: canary('identity-token') })
    await expectNoLeak()({ ...fault, files, server: guarded })
  })

  test.each<Fault>([
    { fault: '401', server: echo(401, asSpec), says: /refused/ },
    { fault: '403', server: echo(403, asPage), says: /refused/ },
    { fault: '404', server: echo(404, asSpec), says: /has no app:1|no access/ },
    { fault: '500', server: echo(500, asText), says: /answered 500/ },
    {
      fault: 'another challenge',
      server: async (request, response) => {
        const text = await confession(request)
        const challenge = `Bearer realm="http://${request.headers.host}/token",error_description="not good: ${text}"`
        response.writeHead(401, { 'www-authenticate': [challenge, `Basic realm="for ${text}"`] }).end()
      },
      says: /refused/,
    },
  ])('$fault of a registry, to a token that was issued and to one that was stored', async (fault) => {
    const { server = images } = fault
    await expectNoLeak()({ ...login, ...fault, server: atToken(issuing, asking(bearer, server)) })
    const files = stored({ registrytoken: canary('registry-token').replace(/[^ -~]/g, '') })
    await expectNoLeak()({ ...fault, files, server: asking(bearer, server) })
  })
})

const refusing = { fault: 'nobody listens', name: '127.0.0.1:1/app:1' }
const certificate = { tls: 'server', args: ['--insecure'] }

/** A server that answers with what it was sent, as it was sent. */
async function parrot() {
  const server = await rawServer((socket) => {
    socket.once('data', (bytes) => socket.end(bytes.subarray(bytes.indexOf('proxy-authorization:'))))
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function resetting() {
  const server = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

describe('what is stored on this machine is not shown:', () => {
  const secret = canary('stored')
  const broken = (text: string) => ({ '.docker/config.json': text })
  const helped = { '.docker/config.json': JSON.stringify({ credHelpers: { HOST: 'safe' } }) }
  const asksAll = { server: asking('Basic realm="r"', echo(403, asSpec)) }

  test.each<Fault>([
    {
      fault: 'a config.json that is cut off',
      files: broken(`{"auths":{"HOST":{"auth":"${secret}`),
      commands: ['pull', 'login', 'logout'],
      says: /not valid JSON/,
    },
    {
      fault: 'a config.json with a word too many',
      files: broken(`{"auths":{"HOST":{"identitytoken": ${secret}}}}`),
      says: /not valid JSON/,
    },
    { fault: 'a config.json that is a text', files: broken(`"${secret}"`), says: /not a JSON object/ },
    { fault: 'auths that are a text', files: broken(`{"auths":"${secret}"}`), says: /not a JSON object/ },
    {
      fault: 'an entry that is a text',
      files: broken(`{"auths":{"HOST":"${secret}"}}`),
      says: /make no sense/,
    },
    { fault: 'an auth that is not encoded', files: stored({ auth: `alice:${secret}` }), says: /not base64/ },
    { fault: 'an auth without a colon', files: stored({ auth: base64('c4n4ry') }), says: /a colon/ },
    {
      fault: 'a .dockercfg that is cut off',
      files: { '.dockercfg': `{"HOST":{"auth":"${base64(`alice:${secret}`)}` },
      says: /not valid JSON/,
    },
    {
      fault: 'a .dockercfg whose login is refused',
      files: { '.dockercfg': `{"HOST":{"auth":"${base64(`alice:${secret}`)}"}}` },
      ...asksAll,
      says: /\.dockercfg|refused/,
    },
    {
      fault: 'a DOCKER_AUTH_CONFIG that is cut off',
      env: { DOCKER_AUTH_CONFIG: `{"auths":{"HOST":{"auth":"${secret}` },
      says: /DOCKER_AUTH_CONFIG are not valid JSON/,
    },
    {
      fault: 'a DOCKER_AUTH_CONFIG whose login is refused',
      env: { DOCKER_AUTH_CONFIG: `{"auths":{"HOST":{"auth":"${base64(`alice:${secret}`)}"}}}` },
      ...asksAll,
      says: /DOCKER_AUTH_CONFIG/,
    },
    {
      fault: 'an --authfile that is cut off',
      files: { 'auth.json': `{"auths":{"HOST":{"password":"${secret}` },
      args: ['--plain-http', '--authfile', 'HOME/auth.json'],
      says: /not valid JSON/,
    },
  ])('$fault', async (fault) => {
    await expectNoLeak()({ server: asking('Basic realm="r"', images), ...fault })
  })

  testWithHelpers.each<Fault>([
    {
      fault: 'what a helper answers, when it is refused',
      helpers: { safe: `console.log(JSON.stringify({ Username: 'alice', Secret: '${secret}' }))` },
      says: /docker-credential-safe/,
    },
    {
      fault: 'what a helper says on stderr when it fails',
      helpers: { safe: `console.error('cannot unlock: password=${secret}'); process.exit(1)` },
      says: /cannot unlock/,
    },
    {
      fault: 'what a helper says on stdout when it fails',
      helpers: { safe: `console.log('{"error":"locked","secret":"${secret}"}'); process.exit(1)` },
      says: /locked/,
    },
    {
      fault: 'what a helper says when it is none the wiser',
      helpers: { safe: `console.log('{"Username":"alice","Secret":"${secret}')` },
      says: /not a credential in JSON/,
    },
    {
      fault: 'what a helper says before it fails',
      helpers: {
        safe: `console.log(JSON.stringify({ Username: 'alice', Secret: '${secret}' })); process.exit(3)`,
      },
      says: /exit code 3/,
    },
  ])('$fault', async (fault) => {
    await expectNoLeak()({ ...fault, files: helped, ...asksAll })
  })

  testWithHelpers('what is given to a helper that repeats it, by login and logout', async () => {
    const helpers = { safe: `console.error('cannot store ' + input); process.exit(1)` }
    const commands = ['login', 'logout'] as const
    const server = asking('Basic realm="r"', images)
    await expectNoLeak()({
      ...login,
      fault: '',
      commands,
      files: helped,
      helpers,
      server,
      says: /cannot store/,
    })
  })

  test.each<Fault>([
    {
      fault: 'a key that belongs to another certificate',
      files: { 'key.pem': readFileSync(join(fixtures, 'client-chain.key'), 'utf8') },
      args: ['--cert', join(fixtures, 'client.crt'), '--key', 'HOME/key.pem'],
      says: /does not belong/,
    },
    {
      fault: 'a key that is none',
      files: { 'key.pem': `-----BEGIN PRIVATE KEY-----\n${base64(secret)}\n-----END PRIVATE KEY-----\n` },
      args: ['--cert', join(fixtures, 'client.crt'), '--key', 'HOME/key.pem'],
      says: /no private key/,
    },
    {
      fault: 'a key whose certificate nobody asked for',
      files: { 'key.pem': readFileSync(join(fixtures, 'client.key'), 'utf8') },
      tls: 'expired',
      args: ['--cert', join(fixtures, 'client.crt'), '--key', 'HOME/key.pem'],
      says: /certificate/,
    },
  ])('$fault', async (fault) => {
    const { said, leaks } = await meet({ ...fault, commands: ['pull', 'doctor', 'login'], ...login })
    expect(leaks).toEqual([])
    expect(said).toMatch(fault.says)
    expect(said).not.toMatch(/PRIVATE KEY-----/)
  })
})

describe('what was typed is not repeated:', () => {
  const secret = 'c4n4ry-typed'

  test.each<Fault>([
    { fault: 'a password in an unknown option', args: [`--password=${secret}`], says: /unknown option/ },
    { fault: 'a password in an unknown short option', args: [`-p${secret}`], says: /unknown option/ },
    { fault: 'a password in -u', args: ['-u', `alice:${secret}`], says: /colon/ },
    { fault: 'a password in DRAY_USERNAME', env: { DRAY_USERNAME: `alice:${secret}` }, says: /colon/ },
    { fault: 'a login before the name', name: `alice:${secret}@HOST`, says: /registry|name/ },
    { fault: 'a login in a URL', name: `https://alice:${secret}@HOST`, says: /registry|name/ },
    {
      fault: 'a password on stdin, nobody to have it',
      args: ['--password-stdin'],
      stdin: secret,
      says: /user name/,
    },
    {
      fault: 'a password on stdin that is refused',
      args: ['--plain-http', '-u', 'alice', '--password-stdin'],
      stdin: secret,
      server: asking('Basic realm="r"', echo(401, asText)),
      says: /denied to/,
    },
  ])('$fault', async (fault) => {
    await expectNoLeak()({ ...fault, commands: ['pull', 'doctor', 'login'] })
  })

  test.each<Fault>([
    { fault: 'a login', args: ['--mirror', `http://alice:${secret}@OTHER`], says: /dray login/ },
    { fault: 'half a login', args: ['--mirror', `http://alice:${secret}/x@OTHER`], says: /mirror/ },
    { fault: 'a login and no URL', args: ['--mirror', `HOST=http://alice:${secret}@:x`], says: /mirror/ },
    {
      fault: 'a login, by variable',
      env: { DRAY_MIRROR: `https://alice:${secret}@m.example` },
      says: /mirror/,
    },
    {
      fault: 'a token in its query',
      args: ['--mirror', `https://m.example/?token=${secret}`],
      says: /without \? and #/,
    },
  ])('$fault in the URL of a mirror', async (fault) => {
    await expectNoLeak()({ other: parrot, ...fault })
  })
})

describe('the login of a proxy is not shown:', () => {
  const secret = 'c4n4ry-proxy'
  const userinfo = `alice:${encodeURIComponent(`${secret}@`)}`
  const https = { tls: 'wrong-name', args: ['--insecure'] }
  const asked: Handler = echo(407, asText, { 'proxy-authenticate': 'Basic realm="x"' })
  const proxy = (handler: Handler) => () => serveDuringTest(handler)
  const tunnelRefused = (status: string) => async () => {
    const server = await rawServer((socket) =>
      socket.once('data', (bytes) => {
        const [, sent = ''] = /proxy-authorization: (.*)\r\n/i.exec(bytes.toString()) ?? []
        const said = `${sent} ${Buffer.from(sent.slice(6), 'base64')}`
        socket.end(
          `HTTP/1.1 ${status} ${said}\r\nX-Squid-Error: ${said}\r\nProxy-Authenticate: Basic realm="${said}"\r\nLocation: http://login.example/${said}\r\nContent-Length: 0\r\n\r\n`,
        )
      }),
    )
    onTestFinished(() => server[Symbol.asyncDispose]())
    return server
  }
  const variable = {
    env: { HTTPS_PROXY: `http://${userinfo}@OTHER`, HTTP_PROXY: `http://${userinfo}@OTHER` },
  }
  const wrongly = (...settings: readonly string[]) =>
    settings.map(
      (setting): Fault => ({
        fault: `the setting ${setting.replaceAll(secret, 'x')}`,
        args: ['--plain-http', '--proxy', setting],
        says: /proxy/,
      }),
    )

  test.each<Fault>([
    { fault: '407', ...variable, other: proxy(asked), says: /407/ },
    { fault: '407 to CONNECT', ...https, ...variable, other: tunnelRefused('407'), says: /407/ },
    { fault: '403 to CONNECT', ...https, ...variable, other: tunnelRefused('403'), says: /403/ },
    { fault: '502 to CONNECT', ...https, ...variable, other: tunnelRefused('502'), says: /502/ },
    { fault: '302 to CONNECT', ...https, ...variable, other: tunnelRefused('302'), says: /login page/ },
    {
      fault: 'a page of its own',
      ...variable,
      other: proxy(echo(502, asPage, { server: 'squid/6', 'x-squid-error': 'ERR_DNS_FAIL 0' })),
      says: /squid|ERR_DNS_FAIL|proxy/,
    },
    { fault: 'a login page', ...variable, other: proxy(echo(200, asPage)), says: /login page/ },
    { fault: 'an echo', ...https, ...variable, other: parrot, says: /not in valid HTTP/ },
    { fault: 'an echo, in plain http', ...variable, other: parrot, says: /not in valid HTTP/ },
    { fault: 'a reset connection', ...https, ...variable, other: resetting, says: /closed the connection/ },
    {
      fault: 'npm’s setting',
      env: {
        npm_config_proxy: `http://${userinfo}@OTHER`,
        npm_config_https_proxy: `http://${userinfo}@OTHER`,
      },
      other: proxy(asked),
      says: /npm_config_proxy/,
    },
    {
      fault: 'the flag',
      args: ['--plain-http', '--proxy', `http://${userinfo}@OTHER`],
      other: proxy(asked),
      says: /--proxy/,
    },
    {
      fault: 'a SOCKS proxy that refuses it',
      args: ['--plain-http', '--proxy', `socks5://${userinfo}@OTHER`],
      other: async () => {
        const server = await socksServer({ login: 'bob:hunter2' })
        onTestFinished(() => server[Symbol.asyncDispose]())
        return server
      },
      says: /does not accept/,
    },
    {
      fault: 'the proxies of a daemon.json',
      files: {
        '.config/docker/daemon.json': JSON.stringify({
          proxies: { 'http-proxy': `http://${userinfo}@OTHER`, 'https-proxy': `http://${userinfo}@OTHER` },
        }),
      },
      other: proxy(asked),
      says: /407/,
    },
    ...wrongly(
      `http://alice:${secret}#@proxy.example`,
      `http://alice:${secret}/@proxy.example`,
      `http://alice:${secret}@proxy.example:99999`,
      `alice:${secret}@`,
      `socks4://alice:${secret}@proxy.example`,
      `ftp://alice:${secret}@proxy.example`,
      `http://alice:${secret} x@proxy.example`,
      `http://alice:${secret}'@proxy.invalid`,
      `socks5://alice:${secret}${'x'.repeat(300)}@proxy.example`,
    ),
  ])('$fault', async (fault) => {
    await expectNoLeak()(fault)
  })
})

describe('the secrets in configuration files are not shown:', () => {
  const secret = 'c4n4ry-config'
  const hosts = (text: string) => ({ '.config/containerd/certs.d/_default/hosts.toml': text })
  const header = `[host."http://OTHER".header]\n`
  const conf = (text: string) => ({ '.config/containers/registries.conf': text })
  const daemon = (text: string) => ({ '.config/docker/daemon.json': text })
  const table = '[[registry]]\nlocation = "HOST"\n'

  test.each<Fault>([
    {
      fault: 'a header that a mirror repeats',
      files: hosts(`${header}x-key = "${secret}"\nauthorization = "Bearer ${secret}-2"\n`),
      other: () => serveDuringTest(echo(403, asSpec)),
      says: /BAD|bad:/,
    },
    {
      fault: 'a header with a line end',
      files: hosts(`${header}x-key = "a\\n${secret}"\n`),
      says: /no HTTP header/,
    },
    { fault: 'a header that is cut off', files: hosts(`${header}x-key = "${secret}\n`), says: /hosts\.toml/ },
    { fault: 'a header without quotes', files: hosts(`${header}x-key = ${secret}\n`), says: /hosts\.toml/ },
    { fault: 'a login in a host', files: hosts(`[host."http://a:${secret}@OTHER"]\n`), says: /without user/ },
    {
      fault: 'a login in a host that is cut off',
      files: hosts(`[host."http://a:${secret}@OTHER]\n`),
      says: /hosts\.toml/,
    },
    {
      fault: 'a login in the server',
      files: hosts(`server = "http://a:${secret}@OTHER"\n`),
      says: /without user/,
    },
    {
      fault: 'a login in the location of a mirror',
      files: conf(`${table}[[registry.mirror]]\nlocation = "a:${secret}@OTHER"\n`),
      says: /registries\.conf/,
    },
    {
      fault: 'a location that is cut off',
      files: conf(`${table}[[registry.mirror]]\nlocation = "a:${secret}@OTHER\n`),
      says: /registries\.conf/,
    },
    {
      fault: 'a login in registry-mirrors',
      files: daemon(JSON.stringify({ 'registry-mirrors': [`https://a:${secret}@OTHER`] })),
      name: 'nginx:c4n-not-there',
      args: ['--proxy', 'http://127.0.0.1:1'],
      says: /daemon\.json/,
    },
    {
      fault: 'a daemon.json that is cut off',
      files: daemon(`{"proxies":{"http-proxy":"http://a:${secret}@`),
      says: /daemon\.json/,
    },
    {
      fault: 'a proxy of daemon.json that is none',
      files: daemon(JSON.stringify({ proxies: { 'http-proxy': `http://a:${secret}#@x` } })),
      says: /proxy|daemon\.json/,
    },
  ])('$fault', async (fault) => {
    await expectNoLeak()({ other: parrot, args: [], ...fault })
  })
})

describe('what a server is told and tells stays between the two:', () => {
  const signature = 'c4n4ry-signature'
  const cookie = { 'set-cookie': `id=${canary('cookie')}` }
  const sends =
    (location: string): Handler =>
    (request, response) =>
      request.url?.includes('/blobs/')
        ? void response.writeHead(307, { location, ...cookie }).end()
        : images(request, response)
  const realm = (text: string) => asking(`Bearer realm="${text}",service="test"`, images)
  const elsewhere = (handler: Handler) => () => serveDuringTest(handler)
  const denied: Handler = (_, response) =>
    void response.writeHead(403, cookie).end('<Error><Code>Expired</Code><Message>no</Message></Error>')

  test.each<Fault & { readonly location: string }>([
    {
      fault: 'that expired',
      location: `http://OTHER/b?sig=${signature}`,
      other: elsewhere(denied),
      says: /link/,
    },
    { fault: 'to nobody', location: `http://blobs.invalid/b?sig=${signature}`, says: /no such host name/ },
    {
      fault: 'that is refused',
      location: `http://127.0.0.2:1/b?X-Sig=${signature}`,
      says: /this very machine|refused/,
    },
    {
      fault: 'that is reset',
      location: `http://OTHER/b?sig=${signature}`,
      other: resetting,
      says: /closed the connection/,
    },
    {
      fault: 'to machines',
      location: `http://169.254.169.254/b?sig=${signature}`,
      says: /configure machines/,
    },
    {
      fault: 'with a login',
      location: `http://a:${signature}@blobs.example/b`,
      says: /user name or password/,
    },
    { fault: 'to no URL', location: `http://a:${signature}@[::1/b?sig=${signature}`, says: /no URL/ },
    { fault: 'to a file', location: `file:///b?sig=${signature}`, says: /neither http/ },
    { fault: 'in a circle', location: `/v2/app/blobs/x?sig=${signature}`, says: /redirects/ },
    { fault: 'with a fragment', location: `http://blobs.invalid/b#${signature}`, says: /no such host name/ },
  ])('a redirect $fault', async ({ location, other, ...fault }) => {
    const target = other && (await other())
    const host = target?.host.replace('127.0.0.1', 'blobs.example') ?? ''
    await expectNoLeak()({ ...fault, server: sends(location.replaceAll('OTHER', host)) })
  })

  test.each<Fault>([
    {
      fault: 'with a login',
      server: realm(`http://a:${signature}@auth.example/token`),
      says: /user name or password/,
    },
    {
      fault: 'with a key',
      server: realm(`http://auth.invalid/token?key=${signature}`),
      says: /no such host name/,
    },
    { fault: 'that is a file', server: realm(`file:///token?key=${signature}`), says: /neither https/ },
    {
      fault: 'with a login and no host',
      server: realm(`http://a:${signature}@/token`),
      says: /no URL|token server/,
    },
    { fault: 'on this machine', server: realm(`http://127.0.0.1/?key=${signature}`), says: /very machine/ },
  ])('a realm $fault', async (fault) => {
    await expectNoLeak()(fault)
  })

  test.each<Fault>([
    { ...refusing, says: /refused the connection/ },
    { fault: 'a TLS that has expired', tls: 'expired', args: [], says: /expired/ },
    { fault: 'no TLS', args: [], says: /TLS/ },
    { fault: 'a pull that works', server: atToken(issuing, asking(bearer, images)), says: /app/ },
    {
      fault: 'a pull that works, over TLS',
      ...certificate,
      server: asking('Basic realm="r"', images),
      says: /app/,
    },
  ])('$fault', async (fault) => {
    await expectNoLeak()({ ...login, commands: ['pull', 'doctor', 'login'], ...fault })
  })
})
