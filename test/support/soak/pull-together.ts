import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  addImage,
  type BuiltLayer,
  buildImage,
  createContent,
  layerOf,
  type RegistryContent,
} from '../image-builder.ts'
import { registry } from '../registry.ts'
import { type Handler, serve } from '../serve.ts'
import { type Chance, createChance, noiseFrom, seedFor } from './chance.ts'
import { fileDigest, strangersIn } from './files.ts'
import { type Ended, runToEnd } from './start-dray.ts'

export interface TogetherPlan {
  readonly launcher: string
  /** An empty one. */
  readonly directory: string
  readonly seed: number
  /** How many processes pull at once. */
  readonly processes: number
  /** Of each layer, in bytes. */
  readonly layerSize: number
}

const layerCount = 10
const imageCount = 5
const names = Array.from({ length: imageCount }, (_, i) => `app:${i}`)

/** Pulls that share images, layers and one cache, all at once; resolves to what was not as promised. */
export async function pullTogether(plan: TogetherPlan): Promise<readonly string[]> {
  const { launcher, directory, seed, processes } = plan
  const chance = createChance(seed)
  const fetches = createTally()
  const server = await serve(noting(fetches, inPieces(registry(makeContent(plan, chance)))))
  const cache = join(directory, 'cache')
  const pullers = Array.from({ length: processes }, (_, i): Puller => {
    const home = join(directory, `puller${i}`)
    mkdirSync(home)
    return { ...{ launcher, home, cache, host: server.host }, ...drawCommand(chance) }
  })
  try {
    const outcomes = await Promise.all(pullers.map((puller) => pull(puller)))
    const repeated = fetches.repeated()
    const wrong: string[] = []
    for (const [i, puller] of pullers.entries()) wrong.push(...(await problemsOf(puller, outcomes[i])))
    const strangers = (await strangersIn(cache)).map((file) => `${file} is left in the cache`)
    return [...wrong, ...repeated, ...strangers]
  } finally {
    await server.close()
  }
}

/** Images that have some of their layers in common. */
function makeContent({ seed, layerSize }: TogetherPlan, chance: Chance): RegistryContent {
  const content = createContent()
  const layers = Array.from({ length: layerCount }, (_, i) =>
    layerOf(noiseFrom(seedFor(seed, `layer ${i}`), layerSize)),
  )
  for (const name of names) {
    const own = layers.filter(() => chance.happens(0.5))
    const [first] = layers as [BuiltLayer]
    addImage(content, buildImage({ layers: own.length > 0 ? own : [first] }), name)
  }
  return content
}

/** Long enough, in milliseconds, for all processes to be at work on the same blobs. */
const pause = 10
const pieces = 12

/** Blobs come slowly. */
function inPieces(next: Handler): Handler {
  return (request, response) => {
    if (!request.url?.includes('/blobs/')) return next(request, response)
    const { end } = response
    response.end = ((bytes: Buffer = Buffer.alloc(0)) => {
      const step = Math.ceil(bytes.length / pieces) || 1
      const send = (from: number) => {
        if (from >= bytes.length) return void Reflect.apply(end, response, [])
        response.write(bytes.subarray(from, from + step))
        setTimeout(send, pause, from + step)
      }
      send(0)
      return response
    }) as typeof response.end
    return next(request, response)
  }
}

/** Who has fetched which blob how often. */
function createTally() {
  const counts = new Map<string, number>()
  return {
    note(who: string, url: string) {
      const what = `${who} fetched ${url}`
      counts.set(what, (counts.get(what) ?? 0) + 1)
    },
    repeated: () =>
      [...counts].filter(([, count]) => count > 1).map(([what, count]) => `${what} ${count} times`),
  }
}

/** Every process has a user name of its own, to be told from the others by. */
function noting(tally: ReturnType<typeof createTally>, next: Handler): Handler {
  return (request, response) => {
    const { url = '', headers } = request
    if (!headers.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="who are you"' }).end()
      return
    }
    const who = Buffer.from(headers.authorization.replace('Basic ', ''), 'base64').toString()
    if (url.includes('/blobs/')) tally.note(who, url)
    return next(request, response)
  }
}

interface Command {
  readonly images: readonly string[]
  readonly args: readonly string[]
}

interface Puller extends Command {
  readonly launcher: string
  readonly home: string
  readonly cache: string
  readonly host: string
}

function drawCommand(chance: Chance): Command {
  const drawn = names.filter(() => chance.happens(0.4))
  const format = chance.pick(['docker', 'oci'])
  const jobs = String(chance.between(1, 6))
  return { images: drawn.length > 0 ? drawn : ['app:0'], args: ['--format', format, '-j', jobs] }
}

/** Pulls with the cache; or, for comparison, without. */
function pull({ images, args, launcher, home, cache, host }: Puller, alone = false): Promise<Ended> {
  const common = ['--plain-http', '--progress', 'none', '-o', alone ? 'alone.tar' : 'image.tar', ...args]
  const references = images.map((name) => `${host}/${name}`)
  const user = `${basename(home)}${alone ? '-alone' : ''}`
  const env = { DRAY_USERNAME: user, DRAY_PASSWORD: 'x' }
  return runToEnd([...common, ...(alone ? [] : ['--cache', cache]), ...references], { launcher, home, env })
}

async function problemsOf(puller: Puller, outcome: Ended | undefined): Promise<readonly string[]> {
  const { home, images } = puller
  const who = `${basename(home)} (${images.join(' ')})`
  const { exitCode, stderr = '' } = outcome ?? {}
  if (exitCode !== 0 || stderr !== '') return [`${who} ended with ${exitCode}: ${stderr}`]
  const left = readdirSync(home).filter((name) => !['image.tar', 'tmp'].includes(name))
  const alone = await pull(puller, true)
  if (alone.exitCode !== 0) return [`${who}, alone, ended with ${alone.exitCode}: ${alone.stderr}`]
  const [together, single] = await Promise.all(
    ['image.tar', 'alone.tar'].map((name) => fileDigest(join(home, name))),
  )
  return [
    ...(together === single ? [] : [`${who} got another archive than alone`]),
    ...left.map((name) => `${who} left ${name}`),
  ]
}
