import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { FakeStream } from '../support/fake-stream.ts'
import { addImage, addManifest, buildImage, createContent, layerOf } from '../support/image-builder.ts'
import { serveDuringTest } from '../support/pull-from.ts'
import { registry } from '../support/registry.ts'
import type { Handler } from '../support/serve.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Colours, a title, the screen wiped, text turned around, nothing to be seen, half a character, a command to a build server. */
const evil =
  'evil\x1b[31m\x1b]0;title\x07\x9b2J\x7f\x85\u202eunder\u2066bidi\u200b\u00ad\ufeff\u2028\u2029\ud800\r\n::error::x\n##[error]y\0end'

/** What of it may stand in a header. */
const evilHeader = 'evil\x9b31m\x85\x90q\xadend'

const content = createContent()
const image = buildImage({ layers: [layerOf(Buffer.alloc(1024))] })
addImage(content, image, 'app:1')
const sound = registry(content)

const manifests = '/v2/app/manifests/'

const at =
  (path: string, handler: Handler): Handler =>
  (request, response) =>
    (request.url?.startsWith(path) ? handler : sound)(request, response)

const answer =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(body)

const errors = JSON.stringify({ errors: [{ code: evil, message: evil, detail: { [evil]: evil } }] })
const oauth = JSON.stringify({ error: evil, error_description: evil, details: evil, message: evil })
const page = `<html><head><title>${evil}</title></head><body>${evil}</body></html>`
const xml = `<?xml version="1.0"?><Error><Code>${evil}</Code><Message>${evil}</Message></Error>`

const headers = {
  'content-type': evilHeader,
  'docker-content-digest': evilHeader,
  'docker-ratelimit-source': evilHeader,
  'ratelimit-limit': `100;w=${evilHeader}`,
  server: evilHeader,
  via: evilHeader,
  warning: `299 - "${evilHeader}"`,
  'www-authenticate': `Bearer realm="${evilHeader}",error="${evilHeader}"`,
  'retry-after': evilHeader,
  'x-evil': evilHeader,
}

const inReason =
  (status: number): Handler =>
  (_, response) =>
    void response.writeHead(status, evilHeader, headers).end(evil)

const withToken =
  (token: Handler): Handler =>
  (request, response) => {
    if (request.url?.startsWith('/token')) return token(request, response)
    if (request.headers.authorization) return sound(request, response)
    const realm = `http://${request.headers.host}/token`
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end()
  }

/** A registry whose tag leads to this document. */
function serving(document: object, mediaType: string): Handler {
  const own = { ...content, manifests: new Map(content.manifests), tags: new Map<string, string>() }
  addManifest(own, Buffer.from(JSON.stringify(document)), mediaType, 'app:1')
  return registry(own)
}

/** An image that is sound, but for what it says of itself. */
function saying(config: Readonly<Record<string, unknown>>): Handler {
  const own = createContent()
  addImage(own, buildImage({ layers: image.layers, config }), 'app:1')
  return registry(own)
}

const manifest = JSON.parse(image.manifest.toString())
const indexType = 'application/vnd.oci.image.index.v1+json'
const entry = { mediaType: image.mediaType, digest: image.digest, size: image.manifest.length }
const index = (more: object) => ({
  schemaVersion: 2,
  mediaType: indexType,
  manifests: [{ ...entry, ...more }],
})

async function run(args: readonly string[], { isTTY = false } = {}) {
  const [stdout, stderr] = [new FakeStream({ isTTY }), new FakeStream({ isTTY })]
  const home = temporaryDirectory()
  await main(['node', 'dray', ...args], {
    env: { HOME: home, USERPROFILE: home, TMPDIR: home, PATH: '', DRAY_OUTPUT: join(home, 'image.tar') },
    stdin: () => Readable.from(['']),
    stdout,
    stderr,
    signals: new EventEmitter(),
    exit: () => {},
  })
  return { stdout: stdout.text, stderr: stderr.text }
}

const commands = [
  ['pull'],
  ['pull', '--debug'],
  ['pull', '-v', '--json', '--progress', 'plain'],
  ['pull', '--debug', '--json', '--progress', 'json'],
  ['doctor', '--debug'],
  ['doctor', '--json'],
]

const dangers: readonly [string, Handler][] = [
  ...[400, 401, 403, 404, 429, 500].flatMap((status): [string, Handler][] => [
    [`the error list of a ${status}`, at(manifests, answer(status, errors))],
    [`the reason and the headers of a ${status}`, at(manifests, inReason(status))],
  ]),
  ["OAuth2's words", at(manifests, answer(403, oauth))],
  ['a text', at(manifests, answer(403, evil))],
  ['a web page', at(manifests, answer(200, page, { 'content-type': 'text/html' }))],
  ['the page of an error', at(manifests, answer(403, page, { 'content-type': 'text/html' }))],
  ['the XML of a blob store', at('/v2/app/blobs/', answer(403, xml))],
  ['the headers of a manifest', at(manifests, answer(200, image.manifest.toString(), headers))],
  ['the headers of a blob', at('/v2/app/blobs/', answer(200, 'x', headers))],
  ['a coding', at(manifests, answer(200, '', { 'content-encoding': evilHeader }))],
  [
    'a place to go to',
    at('/v2/app/blobs/', answer(307, '', { location: `ftp://${evilHeader}/?${evilHeader}` })),
  ],
  ['a path to go to', at('/v2/app/blobs/', answer(307, '', { location: `/${evilHeader}` }))],
  ['the refusal of a token server', withToken(answer(403, oauth))],
  ['the page of a token server', withToken(answer(200, page))],
  ['a token', withToken(answer(200, JSON.stringify({ token: evil, scope: evil })))],
  ['the type of a manifest', serving({ ...manifest, mediaType: evil }, image.mediaType)],
  ['a key', serving({ ...manifest, [evil]: evil, Layers: evil, manifests: evil }, image.mediaType)],
  [
    'the type of a config',
    serving({ ...manifest, config: { ...manifest.config, mediaType: evil } }, image.mediaType),
  ],
  ['a digest', serving({ ...manifest, config: { ...manifest.config, digest: evil } }, image.mediaType)],
  [
    'the type of a layer',
    serving({ ...manifest, layers: [{ ...manifest.layers[0], mediaType: evil }] }, image.mediaType),
  ],
  ['urls', serving({ ...manifest, layers: [{ ...manifest.layers[0], urls: [evil] }] }, image.mediaType)],
  [
    'the platforms of an index',
    serving(
      index({
        platform: { os: evil, architecture: evil, variant: evil, 'os.version': evil, 'os.features': [evil] },
      }),
      indexType,
    ),
  ],
  ['annotations', serving(index({ annotations: { [evil]: evil } }), indexType)],
  ['the platform of an image', saying({ os: evil, architecture: evil, variant: evil, 'os.version': evil })],
  [
    'what an image says of itself',
    saying({ created: evil, author: evil, config: { Labels: { [evil]: evil }, Env: [evil] } }),
  ],
  ['where an image has its layers', saying({ rootfs: { type: evil, diff_ids: [evil] } })],
  ['the history of an image', saying({ history: [{ created_by: evil, comment: evil, author: evil }] })],
]

test.each(dangers)('%s cannot steer a terminal, nor a log', async (_, handler) => {
  const server = await serveDuringTest(handler)
  let said = ''
  for (const [command = '', ...flags] of commands) {
    const args = [command, `${server.host}/app:1`, '--plain-http', '--retries', '0', ...flags]
    const { stdout, stderr } = await run(args)
    for (const line of `${stdout}\n${stderr}`.split('\n')) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      expect(line).not.toMatch(/^\s*(::|##)/)
      expect(line.length).toBeLessThan(10_000)
    }
    expect(stderr).not.toContain('this is a bug')
    said += stdout + stderr
  }
  expect(said.length).toBeGreaterThan(0)
})

/** What dray itself draws with: colours, a cursor that is hidden meanwhile, and a picture that is shown when it is whole. */
const ownSequences = /\x1b\[(\d+(;\d+)*m|\?(25|2026)[lh])/g

test.each(dangers)('%s cannot steer a terminal that is drawn on', async (_, handler) => {
  const server = await serveDuringTest(handler)
  for (const flags of [[], ['-v'], ['--debug', '--progress', 'tty']]) {
    const args = ['pull', `${server.host}/app:1`, '--plain-http', '--retries', '0', ...flags]
    const { stdout, stderr } = await run(args, { isTTY: true })
    const said = stdout + stderr
    expect(said).not.toContain('evil\x1b')
    for (const line of said.replace(ownSequences, '').split('\n')) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    }
    expect(said.length).toBeGreaterThan(0)
  }
})

test('a platform of any length makes no line of any length', async () => {
  const long = 'a'.repeat(1_000_000)
  for (const handler of [
    saying({ os: long, architecture: long }),
    serving(index({ platform: { os: long, architecture: long } }), indexType),
  ]) {
    const server = await serveDuringTest(handler)
    for (const [command = '', ...flags] of commands) {
      const { stdout, stderr } = await run([
        command,
        `${server.host}/app:1`,
        '--plain-http',
        '--retries',
        '0',
        ...flags,
      ])
      expect((stdout + stderr).length).toBeLessThan(50_000)
    }
  }
})
