import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodeFor } from '../../src/cli/exit-codes.ts'
import { type Diagnosis, type DoctorOptions, diagnose } from '../../src/doctor/diagnose.ts'
import type { Finding, Step } from '../../src/doctor/finding.ts'
import { addImage, addIndex, buildImage, createContent, layerOf } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { basic, registry, withBasicAuth, withTokenAuth } from '../support/registry.ts'
import type { Handler, TestServer } from '../support/serve.ts'
import { rawServer, says, silent } from '../unit/http/raw-server.ts'
import { testProxy } from '../unit/http/test-proxy.ts'

const ca = fileURLToPath(new URL('../fixtures/tls/ca.crt', import.meta.url))
const trusting: DoctorOptions = { tls: { caFiles: [ca] } }
const alice = { username: 'alice', password: 's3cret' }
const credentials = { find: async () => ({ kind: 'basic' as const, ...alice, from: 'the keyring' }) }

const layerSize = 30_000_000
const bigLayer = layerOf(Buffer.alloc(layerSize, 7), { compression: 'none' })

/** A registry with `app:1` for this machine's platform and `arm:1` for another, which knows ranges. */
function images(): Handler {
  const content = createContent()
  addImage(content, buildImage({ layers: [bigLayer] }), 'app:1')
  addIndex(content, [buildImage({ layers: [bigLayer] })], 'index:1')
  addIndex(content, [imageFor('s390x'), imageFor('riscv64')], 'other:1')
  addImage(content, imageFor('s390x'), 'single:1')
  const whole = registry(content)
  return (request, response) => {
    const digest = digestIn(request.url)
    const blob = digest && content.blobs.get(digest)
    if (!blob || request.headers.range !== 'bytes=0-0') return whole(request, response)
    response.writeHead(206, { 'content-length': 1, 'content-range': `bytes 0-0/${blob.length}` })
    response.end(blob.subarray(0, 1))
  }
}

function imageFor(architecture: string) {
  return buildImage({ layers: [layerOf(Buffer.alloc(1024))], platform: { os: 'linux', architecture } })
}

function digestIn(url = ''): string | undefined {
  return /\/blobs\/(sha256:[0-9a-f]+)$/.exec(url)?.[1]
}

const isBlob = (url = '') => digestIn(url) !== undefined
const isManifest = (url = '') => url.includes('/manifests/')

/** Answers some requests in another way. */
function unless(matches: (url?: string) => boolean, answer: Handler, next: Handler): Handler {
  return (request, response) => (matches(request.url) ? answer : next)(request, response)
}

/** An answer without a body. */
function answering(status: number, headers: Record<string, string> = {}): Handler {
  return (_, response) => {
    response.writeHead(status, headers).end()
  }
}

const page: Handler = (_, response) => {
  response.writeHead(404, { 'content-type': 'text/html' }).end('<html><title>Intranet</title></html>')
}

const withTls = (handler: Handler, tls = 'server') => serveDuringTest(handler, { tls })

const json =
  (document: unknown): Handler =>
  (_, response) => {
    const text = JSON.stringify(document)
    const headers = { 'content-type': 'application/json', 'content-length': text.length }
    response.writeHead(200, headers).end(text)
  }

/** Where nothing listens. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}

async function rawHost(onConnection: Parameters<typeof rawServer>[0]): Promise<string> {
  const server = await rawServer(onConnection)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server.host
}

/** A proxy that answers CONNECT with this status line and these headers. */
async function refusingProxy(answer: string): Promise<string> {
  return `http://${await rawHost(says(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`))}`
}

function outcomes({ findings }: Diagnosis): Record<string, Finding['status']> {
  return Object.fromEntries(findings.map(({ step, status }) => [step, status]))
}

function finding({ findings }: Diagnosis, step: Step): Finding | undefined {
  return findings.find((each) => each.step === step)
}

/** How much the server was asked to send of the layer. */
function rangesAsked(server: TestServer): readonly (string | undefined)[] {
  return server.requests
    .filter(({ url }) => url.endsWith(bigLayer.digest))
    .map(({ headers }) => headers.range as string | undefined)
}

const healthy: Readonly<Record<Step, Finding['status']>> = {
  reference: 'ok',
  endpoint: 'ok',
  dns: 'ok',
  tcp: 'ok',
  proxy: 'skipped',
  tls: 'ok',
  api: 'ok',
  challenge: 'ok',
  credentials: 'ok',
  token: 'ok',
  manifest: 'ok',
  platform: 'ok',
  blob: 'ok',
  clock: 'ok',
  'rate-limit': 'ok',
}

describe('a healthy registry', () => {
  test('has nothing wrong at any step, and one byte of a layer is all that it is asked for', async () => {
    const limited: Handler = (request, response) => {
      if (isManifest(request.url)) {
        response.setHeader('ratelimit-limit', '100;w=21600')
        response.setHeader('ratelimit-remaining', '76;w=21600')
      }
      return images()(request, response)
    }
    const server = await withTls(withTokenAuth(limited, { user: alice }))
    const told: Step[] = []
    const diagnosis = await diagnose(`${server.host}/app:1`, { ...trusting, credentials }, ({ step }) => {
      told.push(step)
    })
    expect(outcomes(diagnosis)).toEqual(healthy)
    expect(told).toEqual(diagnosis.findings.map(({ step }) => step))
    expect(told).toEqual(Object.keys(healthy))
    expect(diagnosis.failure).toBeUndefined()
    expect(diagnosis.first).toBeUndefined()
    expect(rangesAsked(server)).toEqual(['bytes=0-0'])

    const said = (step: Step) => [
      finding(diagnosis, step)?.summary,
      ...(finding(diagnosis, step)?.detail ?? []),
    ]
    expect(said('reference')).toEqual([expect.stringContaining(`${server.host}/app:1 for linux/`)])
    expect(said('tcp')).toEqual([
      expect.stringContaining('1 of 1'),
      expect.stringMatching(/^127.0.0.1: open/),
    ])
    expect(said('tls').join()).toMatch(/TLSv1\.3.*"dray test CA".*\d+ days left.*IP Address:127.0.0.1/s)
    expect(said('tls').join()).toContain(`trusted besides the CAs of Node: ${ca}`)
    expect(said('challenge').join()).toContain(`Bearer: tokens come from ${server.url}/token, for test`)
    expect(said('credentials')).toEqual(['a password of alice, from the keyring'])
    expect(said('token').join()).toMatch(/expires in (300|299) s/)
    expect(said('manifest').join()).toMatch(/^sha256:[0-9a-f]{64}, application\/vnd\.docker/)
    expect(said('rate-limit').join()).toMatch(/100 in 6 h, 76 left/)
    expect(JSON.stringify(diagnosis)).not.toMatch(/s3cret|token-1/)
  })

  test('may speak plain http on this machine', async () => {
    const server = await serveDuringTest(images())
    const diagnosis = await diagnose(`${server.host}/app:1`, {})
    expect(outcomes(diagnosis)).toEqual({ ...healthy, token: 'skipped' })
    expect(finding(diagnosis, 'tls')?.summary).toContain('speaks no TLS')
  })

  test('may keep its blobs elsewhere, and that host is named', async () => {
    const storage = await withTls(images())
    const server = await withTls(
      unless(
        isBlob,
        (request, response) =>
          answering(307, { location: `${storage.url}${request.url}` })(request, response),
        images(),
      ),
    )
    const diagnosis = await diagnose(`${server.host}/app:1`, trusting)
    expect(outcomes(diagnosis)).toEqual({ ...healthy, token: 'skipped' })
    expect(finding(diagnosis, 'blob')?.summary).toContain(storage.host)
    expect(finding(diagnosis, 'blob')?.detail?.join()).toMatch(/dns: .*tcp: .*tls: /s)
    expect(rangesAsked(storage)).toEqual(['bytes=0-0'])
  })

  test('may know no ranges: the rest of the layer is not waited for', async () => {
    let sent = 0
    const endless: Handler = (_, response) => {
      response.writeHead(200, { 'content-length': layerSize })
      const send = () => {
        while (!response.destroyed && sent < layerSize) {
          sent += 65_536
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', send)
        }
      }
      send()
    }
    const isLayer = (url = '') => url.endsWith(bigLayer.digest)
    const server = await withTls(unless(isLayer, endless, images()))
    const diagnosis = await diagnose(`${server.host}/app:1`, trusting)
    expect(outcomes(diagnosis)).toEqual({ ...healthy, token: 'skipped' })
    expect(sent).toBeLessThan(layerSize / 2)
  })

  test('may be known by its name to the proxy only', async () => {
    const server = await withTls(images(), 'behind-proxy')
    await using proxy = await testProxy({ hosts: { 'registry.test:443': server.host } })
    const from = { https: 'HTTPS_PROXY' }
    const options = { ...trusting, proxy: { https: `http://alice:s3cret@${proxy.host}`, from } }
    const diagnosis = await diagnose('registry.test/app:1', options)
    expect(outcomes(diagnosis)).toEqual({
      ...healthy,
      dns: 'skipped',
      tcp: 'skipped',
      proxy: 'ok',
      token: 'skipped',
    })
    expect(finding(diagnosis, 'proxy')?.summary).toContain(`http://${proxy.host} (HTTPS_PROXY)`)
    expect(JSON.stringify(diagnosis)).not.toContain('s3cret')
  })
})

interface Patient {
  readonly image: string
  readonly options?: DoctorOptions
}

interface Trouble {
  readonly broken: Step
  readonly exitCode: number
  readonly first: RegExp
  readonly arrange: () => Promise<Patient>
}

const at = (server: TestServer, image = 'app:1'): Patient => ({ image: `${server.host}/${image}` })

/** A challenge that sends to a token server of this URL. */
const askingTokensFrom = (realm: string): Handler =>
  answering(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"` })

const throughProxy = async (https: string): Promise<Patient> => ({
  image: 'registry.test/app:1',
  options: { ...trusting, proxy: { https }, timeout: 4000 },
})

const redirectingBlobs = async (location: string) =>
  at(await withTls(unless(isBlob, answering(307, { location }), images())))

const troubles: Readonly<Record<string, Trouble>> = {
  'a name that is none': {
    ...{ broken: 'reference', exitCode: 2, first: /app/ },
    arrange: async () => ({ image: 'registry.test/APP' }),
  },
  'a CA file that is not there': {
    ...{ broken: 'endpoint', exitCode: 7, first: /path/ },
    arrange: async () => ({ image: 'registry.test/app', options: { tls: { caFiles: ['/no/such/ca.crt'] } } }),
  },
  'a host that nobody knows': {
    ...{ broken: 'dns', exitCode: 5, first: /check the spelling/ },
    arrange: async () => {
      const lookup = () => Promise.reject(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }))
      return { image: 'registry.invalid/app', options: { lookup } }
    },
  },
  'a name server that is silent': {
    ...{ broken: 'dns', exitCode: 5, first: /./ },
    arrange: async () => {
      const lookup = () => new Promise<never>(() => {})
      return { image: 'registry.invalid/app', options: { lookup, timeout: 200 } }
    },
  },
  'a port where nothing listens': {
    ...{ broken: 'tcp', exitCode: 5, first: /port/ },
    arrange: async () => ({ image: `${await closedPort()}/app` }),
  },
  'a server that says nothing': {
    ...{ broken: 'tls', exitCode: 5, first: /firewall|proxy/ },
    arrange: async () => ({ image: `${await rawHost(silent)}/app`, options: { timeout: 1000 } }),
  },
  'a proxy that may not go there': {
    ...{ broken: 'proxy', exitCode: 5, first: /rules|ask/ },
    arrange: async () => throughProxy(await refusingProxy('403 Forbidden')),
  },
  'a proxy that wants to know who asks': {
    ...{ broken: 'proxy', exitCode: 4, first: /password/ },
    arrange: async () =>
      throughProxy(await refusingProxy('407 Who are you\r\nProxy-Authenticate: Basic realm="x"')),
  },
  'a proxy that is down': {
    ...{ broken: 'proxy', exitCode: 5, first: /port/ },
    arrange: async () => throughProxy(`http://${await closedPort()}`),
  },
  'a proxy setting that makes no sense': {
    ...{ broken: 'proxy', exitCode: 2, first: /http:\/\// },
    arrange: async () => throughProxy('ftp://proxy.test'),
  },
  'a certificate that has expired': {
    ...{ broken: 'tls', exitCode: 8, first: /renew|clock/ },
    arrange: async () => at(await withTls(images(), 'expired')),
  },
  'a certificate for another name': {
    ...{ broken: 'tls', exitCode: 8, first: /./ },
    arrange: async () => at(await withTls(images(), 'wrong-name')),
  },
  'a certificate of an unknown CA': {
    ...{ broken: 'tls', exitCode: 8, first: /--ca/ },
    arrange: async () => ({ ...at(await withTls(images())), options: { tls: {} } }),
  },
  'a server behind a proxy that speaks no TLS': {
    ...{ broken: 'tls', exitCode: 8, first: /--plain-http/ },
    arrange: async () => {
      const server = await serveDuringTest(images())
      const proxy = await testProxy({ hosts: { 'registry.test:443': server.host } })
      onTestFinished(() => proxy[Symbol.asyncDispose]())
      return throughProxy(`http://${proxy.host}`)
    },
  },
  'a web site that is no registry': {
    ...{ broken: 'api', exitCode: 5, first: /host and port/ },
    arrange: async () => at(await withTls(page)),
  },
  'a token server that is down': {
    ...{ broken: 'challenge', exitCode: 5, first: /port/ },
    arrange: async () => at(await withTls(askingTokensFrom(`https://${await closedPort()}/token`))),
  },
  'a token server that is a web site': {
    ...{ broken: 'token', exitCode: 5, first: /not the right host/ },
    arrange: async () => {
      const site = await withTls(page)
      return at(await withTls(askingTokensFrom(`${site.url}/token`)))
    },
  },
  'a token server without TLS': {
    ...{ broken: 'challenge', exitCode: 8, first: /./ },
    arrange: async () => at(await withTls(askingTokensFrom('http://auth.example/token'))),
  },
  'a token server that does not take the password': {
    ...{ broken: 'token', exitCode: 4, first: /password/ },
    arrange: async () => {
      const user = { username: 'alice', password: 'another' }
      const server = await withTls(withTokenAuth(images(), { user }))
      return { ...at(server), options: { ...trusting, credentials } }
    },
  },
  'a token server that wants a login': {
    ...{ broken: 'token', exitCode: 4, first: /log ?in/ },
    arrange: async () => at(await withTls(withTokenAuth(images(), { user: alice }))),
  },
  'a private image without a login': {
    ...{ broken: 'manifest', exitCode: 4, first: /log ?in/ },
    arrange: async () => at(await withTls(withBasicAuth(images(), 'alice', 's3cret'))),
  },
  'a login that the registry does not take': {
    ...{ broken: 'credentials', exitCode: 4, first: /check the user name and the password/ },
    arrange: async () => {
      const server = await withTls(withBasicAuth(images(), 'alice', 'another'))
      return { ...at(server), options: { ...trusting, credentials } }
    },
  },
  'a tag that is not there': {
    ...{ broken: 'manifest', exitCode: 3, first: /tag/ },
    arrange: async () => at(await withTls(images()), 'app:2'),
  },
  'a registry that has had enough': {
    ...{ broken: 'manifest', exitCode: 9, first: /log ?in/ },
    arrange: async () => {
      const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }
      return at(await withTls(unless(isManifest, answering(429, headers), images())))
    },
  },
  'an image for other platforms': {
    ...{ broken: 'platform', exitCode: 3, first: /--platform linux\/s390x/ },
    arrange: async () => at(await withTls(images()), 'other:1'),
  },
  'an image for another platform than was asked for': {
    ...{ broken: 'platform', exitCode: 3, first: /--platform linux\/s390x/ },
    arrange: async () => {
      const server = await withTls(images())
      return { ...at(server, 'single:1'), options: { ...trusting, platform: 'linux/amd64' } }
    },
  },
  'blobs at a host that is down': {
    ...{
      broken: 'blob',
      exitCode: 5,
      first: /keeps its blobs at 127\.0\.0\.1:\d+, which has to be let through/,
    },
    arrange: async () => redirectingBlobs(`https://${await closedPort()}/blob`),
  },
  'blobs at a host with a certificate of its own': {
    ...{
      broken: 'blob',
      exitCode: 8,
      first: /keeps its blobs at 127\.0\.0\.1:\d+; its operator has to renew/,
    },
    arrange: async () => redirectingBlobs(`${(await withTls(images(), 'expired')).url}/blob`),
  },
  'blobs at a host with a certificate for another name': {
    ...{
      broken: 'blob',
      exitCode: 8,
      first: /keeps its blobs at 127\.0\.0\.1:\d+; its operator has to repair/,
    },
    arrange: async () => redirectingBlobs(`${(await withTls(images(), 'wrong-name')).url}/blob`),
  },
  'a manifest that is no object': {
    ...{
      broken: 'manifest',
      exitCode: 6,
      first: /^127\.0\.0\.1:\d+\/app:1: the manifest must be a JSON object/,
    },
    arrange: async () => at(await withTls(unless(isManifest, json([]), images()))),
  },
  'a config that is shorter than it should be': {
    ...{ broken: 'platform', exitCode: 6, first: /push it again/ },
    arrange: async () => {
      const isConfig = (url = '') => isBlob(url) && !url.endsWith(bigLayer.digest)
      return at(await withTls(unless(isConfig, json({}), images())))
    },
  },
  'blobs behind a redirect to plain http': {
    ...{ broken: 'blob', exitCode: 8, first: /does not follow/ },
    arrange: async () => redirectingBlobs('http://blobs.example/blob'),
  },
  'blobs that the store does not give': {
    ...{ broken: 'blob', exitCode: 4, first: /./ },
    arrange: async () => redirectingBlobs(`${(await withTls(answering(403))).url}/blob`),
  },
  'blobs that never come': {
    ...{ broken: 'blob', exitCode: 5, first: /holds it back/ },
    arrange: async () => {
      const server = await withTls(unless(isBlob, () => {}, images()))
      return { ...at(server), options: { ...trusting, timeout: 1000 } }
    },
  },
  'a config that is not there any more': {
    ...{ broken: 'blob', exitCode: 3, first: /push it again|lost/ },
    arrange: async () => {
      const isConfig = (url = '') => isBlob(url) && !url.endsWith(bigLayer.digest)
      return at(await withTls(unless(isConfig, answering(404), images())), 'index:1')
    },
  },
  'a layer that is not there any more': {
    ...{ broken: 'blob', exitCode: 3, first: /push it again|lost/ },
    arrange: async () => at(await withTls(unless(isBlob, answering(404), images()))),
  },
}

describe('a broken way', () => {
  test.each(Object.entries(troubles))('%s: the step is named, and what to do', async (_, trouble) => {
    const { image, options = trusting } = await trouble.arrange()
    const diagnosis = await diagnose(image, options)
    const { findings, failure, first } = diagnosis
    const index = findings.findIndex(({ status }) => status === 'failed')
    expect(findings[index]?.step).toBe(trouble.broken)
    for (const { status } of findings.slice(0, index)) expect(['ok', 'skipped']).toContain(status)
    expect(findings.slice(index + 1).filter(({ status }) => status === 'failed')).toEqual([])
    expect(exitCodeFor(failure)).toBe(trouble.exitCode)
    expect(first).toMatch(trouble.first)
    if (index > 1) expect(findings.map(({ step }) => step).sort()).toEqual(Object.keys(healthy).sort())
  })

  test('what could not be looked at is skipped, and what needs no network is looked at all the same', async () => {
    const diagnosis = await diagnose(`${await closedPort()}/app`, { credentials })
    expect(outcomes(diagnosis)).toMatchObject({
      tcp: 'failed',
      tls: 'skipped',
      blob: 'skipped',
      clock: 'skipped',
    })
    expect(finding(diagnosis, 'api')?.summary).toBe('not looked at, since tcp failed')
    expect(finding(diagnosis, 'credentials')?.summary).toContain('alice')
  })

  test('a limit that is used up is told with what is left of it', async () => {
    const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }
    const server = await withTls(unless(isManifest, answering(429, headers), images()))
    const diagnosis = await diagnose(`${server.host}/app:1`, trusting)
    expect(finding(diagnosis, 'rate-limit')).toMatchObject({
      status: 'warning',
      summary: '100 in 6 h, 0 left',
    })
  })
})

describe('a doubtful way', () => {
  const passes = async (image: string, options: DoctorOptions, step: Step, words: RegExp) => {
    const diagnosis = await diagnose(image, options)
    expect(diagnosis.failure).toBeUndefined()
    const warnings = diagnosis.findings.filter(({ status }) => status === 'warning')
    expect(warnings.map((each) => each.step)).toEqual([step])
    expect(warnings[0]?.summary).toMatch(words)
    return diagnosis
  }

  test.each([
    ['behind', 600_000, /10 min behind/],
    ['ahead', -3 * 3600_000, /3 h ahead/],
  ])('a clock that is %s is a warning', async (_, skew, words) => {
    const date = new Date(Date.now() + skew).toUTCString()
    const server = await withTls((request, response) => {
      response.setHeader('date', date)
      return images()(request, response)
    })
    await passes(`${server.host}/app:1`, trusting, 'clock', words)
  })

  test('a certificate that expires soon is a warning', async () => {
    const end = Date.parse('Oct 28 03:36:52 2126 GMT')
    const server = await withTls((request, response) => {
      response.setHeader('date', new Date(end - 5 * 86_400_000).toUTCString())
      return images()(request, response)
    })
    const now = () => end - 5 * 86_400_000
    await passes(`${server.host}/app:1`, { ...trusting, now }, 'tls', /expires in [45] days/)
  })

  test('a certificate that is not verified is a warning', async () => {
    const server = await withTls(images(), 'expired')
    await passes(`${server.host}/app:1`, { tls: { insecure: true } }, 'tls', /NOT VERIFIED/)
  })

  test('an address that does not answer, of several, is a warning', async () => {
    const server = await withTls(images())
    const name = `localhost:${server.port}/app:1`
    const lookup = async () => ['127.0.0.1', '127.0.0.99']
    const diagnosis = await passes(name, { ...trusting, lookup }, 'tcp', /1 of 2/)
    expect(finding(diagnosis, 'tcp')?.detail?.join()).toMatch(/127\.0\.0\.1: open .*127\.0\.0\.99: refused/)
  })

  test('a credential helper that is broken is a warning where the image is public', async () => {
    const { DrayError } = await import('../../src/errors.ts')
    const find = () => Promise.reject(new DrayError('UNAUTHORIZED', 'the helper of the keyring hangs'))
    const server = await withTls(images())
    const options = { ...trusting, credentials: { find } }
    await passes(`${server.host}/app:1`, options, 'credentials', /the helper of the keyring hangs/)
  })

  test('a root that is not served is a warning where images are', async () => {
    const isRoot = (url = '') => url === '/v2/'
    const server = await withTls(unless(isRoot, answering(404), images()))
    await passes(`${server.host}/app:1`, trusting, 'api', /answered 404/)
  })

  test('a broken mirror is walked, and then the registry itself: a pull works', async () => {
    const server = await withTls(images())
    const mirror = await closedPort()
    const mirrors = [`${server.host}=https://${mirror}`]
    const diagnosis = await passes(
      `${server.host}/app:1`,
      { ...trusting, mirrors },
      'endpoint',
      new RegExp(`${mirror} failed`),
    )
    const steps = (host: string) => diagnosis.findings.filter((each) => each.host === host)
    expect(steps(mirror).find(({ status }) => status === 'failed')?.step).toBe('tcp')
    expect(steps(server.host).map(({ status }) => status)).not.toContain('failed')
    expect(diagnosis.first).toMatch(/port/)
  })

  test('a mirror that works is all that is looked at', async () => {
    const mirror = await withTls(images())
    const down = await closedPort()
    const options = { ...trusting, mirrors: [`${down}=${mirror.url}`] }
    const diagnosis = await diagnose(`${down}/app:1`, options)
    expect(diagnosis.failure).toBeUndefined()
    expect(diagnosis.findings.map(({ host }) => host)).not.toContain(down)
    expect(finding(diagnosis, 'endpoint')?.detail?.join()).toMatch(/--mirror/)
  })
})

test('nothing is sent to a blob host but the request: no password of the registry', async () => {
  const storage = await withTls(images())
  const blobs: Handler = (request, response) =>
    answering(307, { location: `${storage.url}${request.url}` })(request, response)
  const server = await withTls(withBasicAuth(unless(isBlob, blobs, images()), 'alice', 's3cret'))
  const { failure } = await diagnose(`${server.host}/app:1`, { ...trusting, credentials })
  expect(failure).toBeUndefined()
  expect(server.requests.map(({ headers }) => headers.authorization)).toContain(basic('alice', 's3cret'))
  expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual(
    storage.requests.map(() => undefined),
  )
})

test('an interruption ends it at once', async () => {
  const host = await rawHost(silent)
  const controller = new AbortController()
  const walk = diagnose(`${host}/app:1`, { signal: controller.signal }, ({ step }) => {
    if (step === 'tcp') setTimeout(() => controller.abort(), 20)
  })
  await expect(walk).rejects.toMatchObject({ code: 'ABORTED' })
})
