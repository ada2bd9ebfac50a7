import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RegistryContent } from '../image-builder.ts'
import { fileDigest, filesBelow, strangersIn } from '../soak/files.ts'
import { crash, type Ended, type RunningDray, startDray } from '../soak/start-dray.ts'
import type { Scene } from './scene.ts'
import { openTroubledRegistry } from './troubled-registry.ts'

export interface Stage {
  readonly launcher: string
  /** An empty one. */
  readonly directory: string
  readonly content: RegistryContent
}

export interface Outcome {
  /** Of the run that met the faults. */
  readonly exitCode: number | null
  readonly met: readonly string[]
  /** What was not as promised. */
  readonly problems: readonly string[]
}

const archiveName = 'image.tar'
const oldArchive = 'the old archive'

/**
 * Runs a pull into its faults, then the same command without any. Whatever goes wrong, there is the right archive at
 * the end of a run that says so, and the old one or none at the end of any other; one that is killed may leave either.
 */
export async function playScene(scene: Scene, stage: Stage): Promise<Outcome> {
  let troubledRun: RunningDray | undefined
  const strike = (count: number) => {
    const { signal, request, delay = 0 } = scene.strike ?? {}
    if (count === request) setTimeout(() => troubledRun?.child.kill(signal), delay)
  }
  const server = await openTroubledRegistry(scene, stage.content, strike)
  const play = async (name: string, args: readonly string[]): Promise<Result> => {
    const home = join(stage.directory, name)
    mkdirSync(home, { recursive: true })
    const toStdout = scene.output === 'stdout' && { stdoutFile: join(home, archiveName) }
    const running = startDray(args, { launcher: stage.launcher, home, ...toStdout })
    troubledRun ??= running
    const ended = await unlessItHangs(running)
    return { ...ended, ...(await lookAround(home)) }
  }
  try {
    if (scene.old && scene.output === 'file') leaveOldArchive(join(stage.directory, 'home'))
    const troubled = await play('home', argumentsFor(scene, server.host, impatient(scene)))
    const met = [...server.met]
    server.heal()
    const healed = await play('home', argumentsFor(scene, server.host, patient))
    const alone = await play('alone', argumentsFor({ ...scene, cache: false }, server.host, patient))
    const problems = [
      ...problemsOfTroubled(troubled, alone.archive, scene),
      ...problemsOfSound(healed, alone.archive).map((problem) => `without faults, ${problem}`),
      ...problemsOfSound(alone, alone.archive).map((problem) => `alone, ${problem}`),
    ]
    return { exitCode: troubled.exitCode, met, problems }
  } finally {
    await server.close()
  }
}

function leaveOldArchive(home: string): void {
  mkdirSync(home)
  writeFileSync(join(home, archiveName), oldArchive)
}

const impatient = ({ retries }: Scene) => ['--retries', String(retries), '--timeout', '0.7']
/** For a busy machine. */
const patient = ['--retries', '6', '--timeout', '30']

function argumentsFor(scene: Scene, host: string, patience: readonly string[]): readonly string[] {
  const { images, format, jobs, cache, output } = scene
  const how = ['--format', format, '-j', String(jobs), '--progress', 'plain', ...patience]
  const where = ['-o', output === 'stdout' ? '-' : archiveName, ...(cache ? ['--cache', 'cache'] : [])]
  return ['--plain-http', ...how, ...where, ...images.map((name) => `${host}/${name}`)]
}

/** In milliseconds; all waits of a pull of these scenes together are shorter. */
const longest = 120_000

async function unlessItHangs({ child, ended }: RunningDray): Promise<Ended> {
  let hangs = false
  const watch = setTimeout(() => {
    hangs = true
    child.kill('SIGKILL')
  }, longest)
  const result = await ended
  clearTimeout(watch)
  return hangs ? { ...result, exitCode: -1 } : result
}

interface Result extends Ended {
  /** The digest of what is in the archive's place; `old`, or `none`. */
  readonly archive: string
  /** Everything else. */
  readonly files: readonly string[]
  /** Among them what is in the cache and is no whole blob. */
  readonly strangers: readonly string[]
}

async function lookAround(home: string): Promise<Omit<Result, keyof Ended>> {
  const files = filesBelow(home)
  const path = join(home, archiveName)
  const archive = !files.includes(archiveName) ? 'none' : isOld(path) ? 'old' : await fileDigest(path)
  const strangers = await strangersIn(join(home, 'cache'))
  return { archive, files: files.filter((file) => file !== archiveName), strangers }
}

const isOld = (path: string) => readFileSync(path, 'utf8') === oldArchive

/** Those of the contract that faults of a network, and signals, may lead to. */
const exitCodes = [3, 4, 5, 6, 8, 9]
const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGKILL: null }
/** A signal that comes before the command listens to it, or when it has said its last word, ends it at once. */
const unheard = null

/** What may be left for the next run, and what a process leaves that is killed. */
const blob = '(image\\.tar\\.partial|cache)/blobs/sha256/[0-9a-f]{64}'
const growing = 'image\\.tar\\.partial/archive\\.tar'
const kept = new RegExp(`^(${blob}(\\.partial)?|${growing}\\.partial)$`)
const keptWhenKilled = new RegExp(
  `^(\\.image\\.tar\\.[^/]+\\.partial|tmp/dray\\..*|${blob}.*\\.partial|${growing}\\..*\\.partial)$`,
)

function problemsOfTroubled(result: Result, right: string, scene: Scene): readonly string[] {
  const { exitCode, stderr, archive, files } = result
  if (exitCode === 0) return problemsOfSound(result, right)
  const { strike, output } = scene
  const allowed = [...exitCodes, ...(strike ? [signalCodes[strike.signal], unheard] : [])]
  const before = scene.old ? 'old' : 'none'
  // One that is struck dead when its archive is in place has no time left to say so.
  const mayBe = exitCode === null ? [before, right] : [before]
  const wasKilled = exitCode === null && strike?.signal === 'SIGKILL'
  const left = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !kept.test(file) && !(wasKilled && keptWhenKilled.test(file)))
  return [
    ...(allowed.includes(exitCode) ? [] : [`it ended with ${exitCode}: ${stderr}`]),
    ...(output === 'stdout' || mayBe.includes(archive)
      ? []
      : [`the archive is ${archive}, not ${mayBe.join(' or ')}`]),
    ...(exitCode !== null && !/^dray: /m.test(stderr) ? [`it does not say why it failed: ${stderr}`] : []),
    ...(crash.test(stderr) ? [`it says too much: ${stderr}`] : []),
    ...left.map((file) => `${file} is left after exit code ${exitCode}`),
  ]
}

/** Of a run that should have ended well. */
function problemsOfSound(
  { exitCode, stderr, archive, files, strangers }: Result,
  right: string,
): readonly string[] {
  const left = files.filter((file) => !/^cache[/\\]/.test(file))
  return [
    ...(exitCode === 0 ? [] : [`it ended with ${exitCode}: ${stderr}`]),
    ...(archive === right ? [] : [`the archive is ${archive}, not ${right}`]),
    ...(crash.test(stderr) ? [`it says too much: ${stderr}`] : []),
    ...[...left, ...strangers].map((file) => `${file} is left`),
  ]
}
