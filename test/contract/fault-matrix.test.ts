import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'vitest'
import { spoil } from '../support/faults/fault.ts'
import { cellOf, type FaultKind, faultKinds, type Phase, phases, tailSize } from '../support/faults/matrix.ts'
import { canMount, mountSmallDisk } from '../support/faults/small-disk.ts'
import { addImage, buildImage, buildLayer, createContent, sha256 } from '../support/image-builder.ts'
import { rangeStart, registry, withTokenAuth } from '../support/registry.ts'
import { runDray } from '../support/run-dray.ts'
import { type Handler, serve } from '../support/serve.ts'

const content = createContent()
const first = await buildLayer({ first: randomBytes(512 * 1024) })
const last = await buildLayer({ last: randomBytes(256 * 1024) })
const image = buildImage({ layers: [first, last] })
addImage(content, image, 'app:1')
const healthy = withTokenAuth(registry(content))

const isRequestOf: Readonly<Record<Phase, (request: IncomingMessage) => boolean>> = {
  token: ({ url }) => url?.startsWith('/token') === true,
  manifest: ({ url, headers }) =>
    url?.includes('/manifests/') === true && headers.authorization !== undefined,
  config: ({ url }) => url?.endsWith(image.configDigest) === true,
  'blob headers': ({ url }) => url?.endsWith(first.digest) === true,
  'blob body': ({ url }) => url?.endsWith(first.digest) === true,
  'archive tail': ({ url }) => url?.endsWith(last.digest) === true,
}

/** How many bytes of layers have been sent when a phase is reached. */
const paidFor: Readonly<Record<Phase, number>> = {
  token: 0,
  manifest: 0,
  config: 0,
  'blob headers': 0,
  'blob body': Math.floor(first.blob.length / 2),
  'archive tail': first.blob.length + last.blob.length - tailSize,
}

const mayMount = canMount()
const oldArchive = 'the old archive'

describe.concurrent('a pull that fails leaves the old archive, and the same command goes on with what is missing:', () => {
  for (const phase of phases) {
    for (const kind of faultKinds) {
      const needsDisk = kind.startsWith('no room')
      test.skipIf(needsDisk && !mayMount)(`${kind}, ${phase}`, { timeout: 90_000 }, (context) =>
        failAndGoOn(kind, phase, context),
      )
    }
  }
})

describe.concurrent('a signal while only this machine is still at work, on what has arrived:', () => {
  for (const kind of ['SIGINT', 'SIGTERM', 'kill -9'] as const) {
    test(`${kind}: the archive is the old one or a whole new one, and nothing is fetched again`, {
      timeout: 90_000,
    }, async ({ expect, onTestFinished }) => {
      const place = makePlace(kind, onTestFinished)
      const { content, layer } = await easyToFetch()
      const server = await serve(registry(content))
      onTestFinished(() => server.close())
      const args = [...place.args, '--plain-http', '--progress', 'none', '--name', 'app:1']
      const pulling = runDray([...args, `${server.host}/app:1`], {
        home: place.home,
        onStart: (child) => strikeWhen(() => isGrowing(join(place.output, '..')), child, place.strike),
      })

      const { exitCode } = await pulling
      const archive = readFileSync(place.output)
      expect(exitCode === 0 ? archive.includes(layer.tar) : archive.toString() === oldArchive).toBe(true)
      const before = server.requests.length
      expect(await runDray([...args, `${server.host}/app:1`], { home: place.home })).toMatchObject({
        exitCode: 0,
      })
      expect(readFileSync(place.output).includes(layer.tar)).toBe(true)
      if (exitCode !== 0) {
        const asked = server.requests.slice(before).map(({ url }) => url)
        expect(asked.filter((url) => url.endsWith(layer.digest))).toEqual([])
      }
      expect(readdirSync(join(place.output, '..'))).toEqual(['image.tar'])
    })
  }
})

/** An image of zeros, which is small on the way and takes a while to write. */
async function easyToFetch() {
  const content = createContent()
  const layer = await buildLayer({ zeros: Buffer.alloc(96 * 1024 * 1024) })
  addImage(content, buildImage({ layers: [layer] }), 'app:1')
  return { content, layer }
}

/** True when more of an archive is there than its first entries. */
function isGrowing(directory: string): boolean {
  const names = readdirSync(directory).filter((name) => name.startsWith('.image.tar.'))
  return names.some(
    (name) => (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0) > 2 ** 20,
  )
}

function strikeWhen(holds: () => boolean, child: ChildProcess, strike: (child: ChildProcess) => void): void {
  const timer = setInterval(() => {
    if (!holds()) return
    clearInterval(timer)
    strike(child)
  }, 5)
  child.on('exit', () => clearInterval(timer))
}

async function failAndGoOn(kind: FaultKind, phase: Phase, { expect, onTestFinished }: TestContext) {
  const place = makePlace(kind, onTestFinished)
  let isStruck = false
  let child: ChildProcess | undefined
  const strike = () => {
    isStruck = true
    place.strike(child)
  }
  const { exitCode, ...faults } = cellOf(kind, phase, strike)
  let handler: Handler = spoil(healthy, { at: isRequestOf[phase], ...faults })
  const server = await serve((request, response) => handler(request, response))
  onTestFinished(() => server.close())
  const command = () =>
    runDray(
      [
        ...place.args,
        ...patience(kind),
        '--plain-http',
        '-j',
        '1',
        '--progress',
        'none',
        '--name',
        'app:1',
        `${server.host}/app:1`,
      ],
      {
        home: place.home,
        onStart: (started) => {
          child = started
        },
      },
    )

  const failed = await command()
  place.recover()
  expect(failed).toMatchObject({ exitCode, stdout: '' })
  expect(isStruck).toBe(/SIG|kill|room/.test(kind))
  expect(readFileSync(place.output, 'utf8')).toBe(oldArchive)
  const left = readdirSync(join(place.output, '..')).map((name) =>
    name.replace(/[0-9a-f]{8}-\d+-[0-9a-f]{8}/, 'CLAIM'),
  )
  const temporary = kind === 'kill -9' ? ['.image.tar.CLAIM.partial'] : []
  expect(left.filter((name) => name !== 'image.tar.partial')).toEqual([...temporary, 'image.tar'])
  const kept = [first, last].map(({ digest }) => sizeKept(place.blobs, digest))
  const keptInAll = kept.reduce((sum, size) => sum + size)
  if (kind !== 'wrong bytes') expect(keptInAll).toBeGreaterThanOrEqual(paidFor[phase])

  handler = healthy
  const before = server.requests.length
  expect(await command()).toMatchObject({ exitCode: 0, stderr: '' })
  expect(sha256(readFileSync(place.output))).toBe(await expected)
  const missing = [first, last].flatMap(({ digest, blob }, i) =>
    kept[i] === blob.length ? [] : [`${digest} from ${kept[i] || 'the start'}`],
  )
  const asked = server.requests
    .slice(before)
    .filter(({ url }) => url.includes('/blobs/') && !url.endsWith(image.configDigest))
    .map((request) => `${request.url.split('/').at(-1)} from ${rangeStart(request as never) ?? 'the start'}`)
  expect(asked).toEqual(missing)
  expect(readdirSync(join(place.output, '..'))).toEqual(['image.tar'])
}

/** A server that is silent for so long has stalled; elsewhere a slow machine needs its time. */
function patience(kind: FaultKind): readonly string[] {
  return kind === 'a stall' ? ['--retries', '0', '--timeout', '2'] : ['--retries', '1', '--timeout', '10']
}

interface Place {
  readonly home: string
  readonly output: string
  /** Where blobs are kept. */
  readonly blobs: string
  readonly args: readonly string[]
  strike(child: ChildProcess | undefined): void
  recover(): void
}

/** Where a pull writes to; the disk of one of the two places is small if need be. */
function makePlace(kind: FaultKind, onTestFinished: TestContext['onTestFinished']): Place {
  const directory = mkdtempSync(join(tmpdir(), 'dray-matrix-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const [home, work] = ['home', 'work'].map((name) => {
    mkdirSync(join(directory, name))
    return join(directory, name)
  }) as [string, string]
  const disk = kind.startsWith('no room') ? mountSmallDisk() : undefined
  if (disk) onTestFinished(() => disk.remove())
  const output = join(kind === 'no room for the archive' && disk ? disk.path : work, 'image.tar')
  const cache = disk && (kind === 'no room for the blobs' ? disk.path : join(directory, 'cache'))
  writeFileSync(output, oldArchive)
  return {
    home,
    output,
    blobs: join(cache ?? `${output}.partial`, 'blobs', 'sha256'),
    args: ['-o', output, ...(cache === undefined ? [] : ['--cache', cache])],
    strike(child) {
      if (disk) disk.fill()
      else child?.kill(kind === 'kill -9' ? 'SIGKILL' : kind === 'SIGTERM' ? 'SIGTERM' : 'SIGINT')
    },
    recover: () => disk?.clear(),
  }
}

/** How much of a blob there is, whole or not, in bytes. */
function sizeKept(directory: string, digest: string): number {
  const names = existsSync(directory) ? readdirSync(directory) : []
  const sizes = names
    .filter((name) => name.startsWith(digest.slice(7)))
    .map((name) => statSync(join(directory, name)).size)
  return Math.max(0, ...sizes)
}

/** What comes of a pull that nothing happens to. */
const expected = (async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dray-matrix-'))
  const server = await serve(healthy)
  const output = join(directory, 'image.tar')
  await runDray(['--plain-http', '--name', 'app:1', '-o', output, `${server.host}/app:1`], {
    home: directory,
  })
  await server.close()
  const digest = sha256(readFileSync(output))
  rmSync(directory, { recursive: true })
  return digest
})()
