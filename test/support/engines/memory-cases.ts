import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { addImage, buildImage, createContent, layerOf } from '../image-builder.ts'
import { registry } from '../registry.ts'
import { type Handler, serve } from '../serve.ts'
import { noiseFrom } from '../soak/chance.ts'
import { makeZeroLayers, pourZeros, serveZeros } from '../soak/zeros.ts'
import { type Measurement, measure } from './measure.ts'

/** A pull that has reason to take much memory. */
export interface MemoryCase {
  readonly name: string
  readonly server: Handler
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly exitCode: number
  /** An archive has to be larger, in bytes. */
  readonly least?: number
}

export interface MemorySizes {
  /** Of the image that is written slowly, in MB. */
  readonly slowMegabytes: number
  /** What the disk takes, in MB per second; the network is loopback, and gives ten times as much. */
  readonly diskRate: number
  /** Of the layer that is a bomb, in MiB. */
  readonly bombMebibytes: number
  /** Of the large layer, in MiB. */
  readonly largeMebibytes: number
  /** Of what a server says of an error, in MiB. */
  readonly errorMebibytes: number
}

export interface MemoryOutcome extends Measurement {
  /** What was not as promised, memory left out. */
  readonly problems: readonly string[]
}

/** Made one after the other: what they need is much. */
export function* memoryCases(sizes: MemorySizes): Generator<MemoryCase> {
  yield* slowDisk(sizes)
  yield* errorBodies(sizes)
  yield* bomb(sizes)
  yield* largeLayer(sizes)
}

const formats = ['docker', 'oci'] as const

function* slowDisk({ slowMegabytes, diskRate }: MemorySizes): Generator<MemoryCase> {
  const layers = [0.6, 0.2, 0.1, 0.1].map((share, i) =>
    layerOf(noiseFrom(i, Math.ceil(share * slowMegabytes * 1e6))),
  )
  const server = serverOf(layers)
  const env = {
    NODE_OPTIONS: `--import=${slowDiskModule}`,
    SLOW_DISK_BYTES_PER_SECOND: String(diskRate * 1e6),
  }
  for (const format of formats) {
    const name = `a disk of ${diskRate} MB/s and ${slowMegabytes} MB by loopback, ${format}`
    yield { name, server, args: ['--format', format], env, exitCode: 0, least: slowMegabytes * 1e6 }
  }
}

// The same place from here and from the file that this is bundled into.
const slowDiskModule = new URL('../../../test/support/engines/slow-disk.mjs', import.meta.url).href

function serverOf(layers: Parameters<typeof buildImage>[0]['layers']): Handler {
  const content = createContent()
  addImage(content, buildImage({ layers }), 'app:1')
  return registry(content)
}

function* errorBodies({ errorMebibytes }: MemorySizes): Generator<MemoryCase> {
  const size = errorMebibytes * 2 ** 20
  const sound = serverOf([layerOf(Buffer.alloc(10_240))])
  const flood: Handler = (_, response) => {
    response.writeHead(500, { 'content-length': size, 'content-type': 'text/plain' })
    return pourZeros(response, size)
  }
  const challenge: Handler = ({ headers }, response) => {
    response
      .writeHead(401, { 'www-authenticate': `Bearer realm="http://${headers.host}/token",service="x"` })
      .end()
  }
  const places = { manifest: '/manifests/', token: '/token', blob: '/blobs/' }
  for (const [what, path] of Object.entries(places)) {
    const server: Handler = (request, response) => {
      const handler = request.url?.includes(path) ? flood : what === 'token' ? challenge : sound
      return handler(request, response)
    }
    for (const more of [[], ['--debug']]) {
      const name = `an error body of ${errorMebibytes} MiB for a ${[what, ...more].join(', ')}`
      yield { name, server, args: ['--retries', '1', ...more], exitCode: 5 }
    }
  }
}

function* bomb({ bombMebibytes }: MemorySizes): Generator<MemoryCase> {
  const { gzip } = makeZeroLayers(bombMebibytes)
  const ratio = Math.round((bombMebibytes * 2 ** 20) / gzip.blob.length)
  const name = `a layer of ${bombMebibytes} MiB that grows by ${ratio}`
  yield { name, server: serverOf([gzip]), args: [], exitCode: 0, least: bombMebibytes * 2 ** 20 }
  const wrong = serverOf([{ ...gzip, diffId: `sha256:${'0'.repeat(64)}` }])
  yield { name: `${name}, and is not what it should be`, server: wrong, args: [], exitCode: 6 }
}

function* largeLayer({ largeMebibytes }: MemorySizes): Generator<MemoryCase> {
  const { gzip, plain } = makeZeroLayers(largeMebibytes)
  for (const format of formats) {
    const least = largeMebibytes * 2 ** 20
    const args = ['--format', format]
    const name = `a layer of ${largeMebibytes} MiB, ${format}`
    yield { name, server: serveZeros(plain, serverOf([plain])), args, exitCode: 0, least }
    const packed = format === 'oci' ? gzip.blob.length : least
    yield { name: `${name}, compressed`, server: serverOf([gzip]), args, exitCode: 0, least: packed }
  }
}

/** Runs a case in an empty directory and measures the memory that it takes. */
export async function measureCase(
  { server: handler, args, env, exitCode, least = 0 }: MemoryCase,
  { launcher, directory }: { readonly launcher: string; readonly directory: string },
): Promise<MemoryOutcome> {
  const server = await serve(handler)
  const archive = join(directory, 'image.tar')
  try {
    const words = [launcher, '--plain-http', '-o', archive, ...args, `${server.host}/app:1`]
    const measured = await measure(process.execPath, words, {
      PATH: process.env.PATH,
      HOME: directory,
      ...env,
    })
    const size = (await stat(archive).catch(() => undefined))?.size ?? 0
    return {
      ...measured,
      problems: [
        ...(measured.exitCode === exitCode ? [] : [`it ended with ${measured.exitCode}, not ${exitCode}`]),
        ...(exitCode === 0 && size < least ? [`the archive has ${size} bytes only`] : []),
      ],
    }
  } finally {
    await server.close()
    await rm(archive, { force: true })
    await rm(`${archive}.partial`, { recursive: true, force: true })
  }
}
