import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rawServer } from '../../unit/http/raw-server.ts'
import { testProxy } from '../../unit/http/test-proxy.ts'
import { registry, withTokenAuth } from '../registry.ts'
import { runDray } from '../run-dray.ts'
import { type Handler, serve } from '../serve.ts'
import { redirect } from './answers.ts'
import { spoil } from './fault.ts'
import type { FaultRow, Part, StandIn } from './fault-row.ts'
import { createWorld, type World } from './world.ts'

/** What came of a fault. */
export interface Outcome {
  readonly exitCode: number | null
  readonly stderr: string
  readonly stdout: string
  /** What stands where the archive should: the one that was there before, or the whole new one. */
  readonly archive: string
  /** Whatever else there is, digests and compiled code left out, in the working directory and (`~/`) at home. */
  readonly files: readonly string[]
  readonly asked: string | number
  /** Requests that came when the command had ended. */
  readonly askedLater: number
  /** Requests that carried a login where it has no business. */
  readonly leaks: readonly string[]
}

const names = new URL('./more-names.mjs', import.meta.url)
const fixtures = fileURLToPath(new URL('../../fixtures/tls', import.meta.url))
const oldArchive = 'the old archive'

/** Runs the command into a fault; `directory` is empty. */
export async function meetFault(row: FaultRow, directory: string): Promise<Outcome> {
  const world = await createWorld(row.layer)
  row.content?.(world)
  await using servers = await open(row, world)
  const [home, work] = ['home', 'work'].map((name) => join(directory, name)) as [string, string]
  for (const path of [home, work]) mkdirSync(path)
  const before = { 'image.tar': oldArchive, ...row.files?.(world) }
  for (const [name, content] of Object.entries(before)) {
    mkdirSync(dirname(join(work, name)), { recursive: true })
    writeFileSync(join(work, name), content)
  }
  const result = await runDray(argumentsFor(row, servers, world), {
    home,
    cwd: work,
    env: {
      NODE_OPTIONS: `--import=${names}`,
      DRAY_USERNAME: 'alice',
      DRAY_PASSWORD: 'secret',
      ...row.env,
    },
  })
  const asked = servers.asked()
  await sleep(300)
  return {
    ...result,
    stderr: result.stderr.replaceAll(/:\d{4,5}\b/g, ''),
    archive: describeArchive(join(work, 'image.tar'), world),
    files: [
      ...list(work, world).filter((name) => name !== 'image.tar'),
      ...list(home, world)
        .filter((name) => !isCompiled.test(name))
        .map((name) => `~/${name}`),
    ],
    asked,
    askedLater: count(servers.asked()) - count(asked),
    leaks: servers.leaks,
  }
}

/** What every run but the first finds compiled. */
const isCompiled = /[\\/]dray[\\/]compiled[\\/]/

function count(asked: string | number): number {
  return typeof asked === 'number' ? asked : asked.split(' ').filter(Boolean).length
}

interface Servers extends AsyncDisposable {
  readonly host: string
  readonly proxy: string | undefined
  asked(): string | number
  readonly leaks: readonly string[]
}

async function open(row: FaultRow, world: World): Promise<Servers> {
  if (row.standIn) return openStandIn(await row.standIn(world))
  if (row.connection) return openRaw(row.connection, undefined)
  if (row.proxy && row.proxy !== 'works') return openRaw(row.proxy, 'PROXY')
  const asked: string[] = []
  const leaks: string[] = []
  const note =
    (place: string, next: Handler): Handler =>
    (request, response) => {
      const what = `${partOf(request, world)}${place}`
      asked.push(what)
      if (request.headers.authorization && (place || !row.tokens)) leaks.push(what)
      return next(request, response)
    }
  const base = registry(world.content)
  const storageTls = row.storageTls ?? row.tls
  const storage = await serve(note('@storage', withFaults(row, world, base, '@storage')), {
    ...(storageTls && storageTls !== 'none' && { tls: storageTls }),
  })
  const send = redirect(307, `${storage.url}$URL?signature=x`)
  const isLayer = (request: IncomingMessage) => partOf(request, world).startsWith('layer')
  const dispatching = row.storage ? spoil(base, { at: isLayer, meet: [], forever: send }) : base
  const guarded = row.tokens ? withTokenAuth(dispatching, row.tokens) : dispatching
  const server = await serve(note('', withFaults(row, world, guarded, '')), {
    ...(row.tls && { tls: row.tls }),
    ...(row.address && { hostname: row.address }),
  })
  const proxied = `registry.example:${server.port}`
  const proxy = row.proxy === 'works' ? await testProxy({ hosts: { [proxied]: server.host } }) : undefined
  return {
    host: proxy ? proxied : row.address === '::1' ? `[::1]:${server.port}` : server.host,
    proxy: proxy?.host,
    asked: () => asked.join(' '),
    leaks,
    async [Symbol.asyncDispose]() {
      await Promise.all([storage.close(), server.close(), proxy?.[Symbol.asyncDispose]()])
    },
  }
}

function openStandIn({ port, asked, close }: StandIn): Servers {
  return { host: `127.0.0.1:${port}`, proxy: undefined, asked, leaks: [], [Symbol.asyncDispose]: close }
}

function withFaults(
  { at = 'layer', meet, forever }: FaultRow,
  world: World,
  next: Handler,
  place: string,
): Handler {
  if (at.endsWith('@storage') !== (place === '@storage') || !(meet || forever)) return next
  const [part] = at.split('@') as [Part]
  const isMeant = (request: IncomingMessage) => partOf(request, world).replace(/[+]|@digest/, '') === part
  return spoil(next, { at: isMeant, meet: meet ?? [], ...(forever && { forever }) })
}

/** What a request is for. */
function partOf({ url = '', headers }: IncomingMessage, { image, layer }: World): string {
  if (url.startsWith('/token')) return 'token'
  if (url.includes('/manifests/')) return url.includes('sha256:') ? 'manifest@digest' : 'manifest'
  if (url.includes(image.configDigest)) return 'config'
  if (url.includes(layer.digest)) return headers.range ? 'layer+' : 'layer'
  return url === '/v2/' ? 'root' : url
}

async function openRaw(
  onConnection: Parameters<typeof rawServer>[0],
  role: 'PROXY' | undefined,
): Promise<Servers> {
  const server = await rawServer(onConnection)
  return {
    host: role ? 'registry.example' : server.host,
    proxy: role && server.host.replace('127.0.0.1', 'proxy.example'),
    asked: () => server.accepted(),
    leaks: [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function argumentsFor(row: FaultRow, { host, proxy = '' }: Servers, world: World): readonly string[] {
  const trust = row.trust ?? (row.tls || row.proxy ? ['--ca', join(fixtures, 'ca.crt')] : ['--plain-http'])
  const through = row.proxy ? ['--proxy', (row.proxyUrl ?? 'http://PROXY').replace('PROXY', proxy)] : []
  const usual = ['--progress', 'plain', '--retries', '1', '--timeout', '5', '--name', 'app:1', ...through]
  const where = row.args?.includes('-o') ? [] : ['-o', 'image.tar']
  const name = row.byDigest ? `HOST/app@${world.image.digest}` : 'HOST/app:1'
  const image = (row.image ?? name).replace('HOST', host).replace('PORT', host.split(':').at(-1) ?? '')
  const args = [...trust, ...usual, ...where, ...(row.args ?? []), image]
  return args.map((each) => each.replace('FIXTURES', fixtures))
}

/** The layer stands in an archive as it is, and the manifest names it. */
function describeArchive(path: string, { layer, image }: World): string {
  if (!existsSync(path)) return 'none'
  const bytes = readFileSync(path)
  if (bytes.toString('utf8', 0, 100) === oldArchive) return 'old'
  const isWhole = bytes.includes(layer.tar) && bytes.includes(image.config) && bytes.length % 512 === 0
  return isWhole ? 'new' : `wrong: ${createHash('sha256').update(bytes).digest('hex')}, ${bytes.length} bytes`
}

/** Files, and directories that hold none. */
function list(directory: string, { layer, image }: World): readonly string[] {
  const tidy = (name: string) =>
    name
      .replaceAll(layer.digest.slice(7), 'LAYER')
      .replaceAll(image.configDigest.slice(7), 'CONFIG')
      .replace(/\.[0-9a-f]{8}-\d+-[0-9a-f]{8}\.partial$/, '.CLAIM.partial')
  const visit = (path: string): readonly string[] =>
    readdirSync(join(directory, path), { withFileTypes: true }).flatMap((entry) => {
      const name = join(path, entry.name)
      if (!entry.isDirectory()) return [name]
      const inside = visit(name)
      return inside.length > 0 ? inside : [`${name}/`]
    })
  return visit('').map(tidy).sort()
}
