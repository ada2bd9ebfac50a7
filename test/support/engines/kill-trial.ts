import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buildImage, layerOf } from '../image-builder.ts'
import { createChance, noiseFrom, seedFor } from '../soak/chance.ts'
import { fileDigest, strangersIn } from '../soak/files.ts'
import { crash, runToEnd } from '../soak/start-dray.ts'
import { type KilledPull, killOften } from './kill-often.ts'
import { type MeteredLink, startMeteredLink } from './metered-link.ts'
import { pushImage } from './push-image.ts'

export interface KillTrial {
  readonly launcher: string
  /** An empty one. */
  readonly directory: string
  /** `host:port` of a registry of plain http. */
  readonly host: string
  readonly seed: number
  readonly kills: number
  /** Of the image's layers together. */
  readonly bytes: number
  readonly bytesPerSecond: number
}

/** How a pull is asked for. */
export interface Way {
  readonly format: 'docker' | 'oci'
  readonly cache: boolean
}

export interface TrialOutcome {
  readonly kills: number
  /** What the registry sent in all, in images. */
  readonly sent: number
  /** What was not as promised. */
  readonly problems: readonly string[]
}

/** The most that a registry may have sent, in images. */
const mostSent = 1.3
/** How the image is divided into layers. */
const shares = [0.5, 0.25, 0.15, 0.07, 0.03]

/** An image in a registry, behind a slow link, to be pulled in one way after the other by processes that are killed. */
export async function openKillTrial(trial: KillTrial) {
  const { seed, bytes, host, bytesPerSecond } = trial
  const size = await push(host, seed, bytes)
  const link = await startMeteredLink(host, bytesPerSecond)
  return { run: (way: Way) => run(trial, { way, link, size }), stop: link.stop }
}

/** Incompressible, so that as many bytes are sent as there are; resolves to their number. */
async function push(host: string, seed: number, bytes: number): Promise<number> {
  const layers = shares.map((share, i) =>
    layerOf(noiseFrom(seedFor(seed, `layer ${i}`), Math.ceil(share * bytes))),
  )
  await pushImage(host, 'killed/app:1', buildImage({ layers }))
  return layers.reduce((sum, { blob }) => sum + blob.length, 0)
}

interface Pulling {
  readonly way: Way
  readonly link: MeteredLink
  readonly size: number
}

async function run(trial: KillTrial, { way, link, size }: Pulling): Promise<TrialOutcome> {
  const { launcher, directory, kills, seed, host } = trial
  const name = `${way.format}-${way.cache ? 'cache' : 'partial'}`
  const home = join(directory, name)
  await mkdir(join(home, 'out'), { recursive: true })
  const reference = await runToEnd(argumentsFor({ ...way, cache: false }, host, 'reference.tar'), {
    launcher,
    home,
  })
  const pull = await killOften({
    ...{ launcher, home, link, size, kills },
    args: argumentsFor(way, link.host, 'out/image.tar'),
    blobDirectory: join(home, way.cache ? 'cache' : 'out/image.tar.partial'),
    chance: createChance(seedFor(seed, name)),
  })
  const sent = pull.sent / size
  const problems = [
    ...(reference.exitCode === 0 ? [] : [`undisturbed, it ended with ${reference.exitCode}`]),
    ...(pull.kills === kills ? [] : [`it could be killed ${pull.kills} times only`]),
    ...(sent < mostSent ? [] : [`the registry sent ${sent.toFixed(3)} × the image's bytes`]),
    ...(await problemsOf(pull, way, { launcher, home })),
  ]
  return { kills: pull.kills, sent, problems }
}

function argumentsFor({ format, cache }: Way, host: string, output: string): readonly string[] {
  const common = ['--plain-http', '--progress', 'none', '--name', 'killed/app:1', '--format', format]
  return [...common, '-o', output, ...(cache ? ['--cache', 'cache'] : []), `${host}/killed/app:1`]
}

interface Place {
  readonly launcher: string
  readonly home: string
}

/** What is wrong with the end of it all. */
async function problemsOf({ last }: KilledPull, { cache }: Way, place: Place): Promise<readonly string[]> {
  const { exitCode, stderr } = last
  if (exitCode !== 0 || crash.test(stderr)) return [`the last run ended with ${exitCode}: ${stderr}`]
  const archive = join(place.home, 'out/image.tar')
  const [ours, theirs] = await Promise.all([archive, join(place.home, 'reference.tar')].map(fileDigest))
  const verdict = await runToEnd(['verify', archive], place)
  const left = (await readdir(join(place.home, 'out'))).filter((file) => file !== 'image.tar')
  const strangers = cache ? await strangersIn(join(place.home, 'cache')) : []
  const inTmp = await readdir(join(place.home, 'tmp'))
  return [
    ...(ours === theirs ? [] : ['the archive is not that of an undisturbed pull']),
    ...(verdict.exitCode === 0 ? [] : [`verify ended with ${verdict.exitCode}: ${verdict.stderr}`]),
    ...[...left, ...strangers, ...inTmp].map((file) => `${file} is left`),
  ]
}
