import { access, readdir, rm, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Registry } from '../support/engines/docker-registry.ts'
import type { Contender, Job } from './contenders.ts'
import type { Image } from './images.ts'
import { runMeasured } from './run-measured.ts'
import type { Scenario } from './scenarios.ts'
import { type LinkOptions, startLink } from './start-link.ts'
import { type Run, type Standings, summarize } from './summarize.ts'

export interface Place {
  readonly registry: Registry
  /** A directory for what the contenders write. */
  readonly directory: string
  readonly image: Image | undefined
  readonly rounds: number
}

export interface ScenarioResult {
  readonly title: string
  /** Bytes of the image as served, and of its unpacked layers. */
  readonly packed: number
  readonly unpacked: number
  readonly standings: Standings
}

/** What the wire of a scenario would take by itself. */
export const linkItself = 'the link'

/** Connections that dray opens at most when nobody tells it otherwise. */
const connections = 4

/** Lets all contenders that are on this machine have their turns. */
export async function runScenario(scenario: Scenario, place: Place): Promise<ScenarioResult> {
  const { registry, image } = place
  const link = scenario.link && (await startLink(registry.host, scenario.link))
  try {
    const job = {
      host: link?.host ?? registry.host,
      path: image?.path ?? '',
      layers: image?.layers ?? [],
      output: join(place.directory, 'output.tar'),
      cache: scenario.cached ? join(place.directory, 'cache') : undefined,
    }
    const runs = await takeTurns(scenario, place, job)
    const { packed = 0, unpacked = 0 } = image ?? {}
    const limit = scenario.link && secondsOfLink(scenario.link, packed)
    if (limit) runs.set(linkItself, Array(place.rounds).fill({ ...nothing, seconds: limit }))
    return { title: scenario.title, packed, unpacked, standings: summarize(runs) }
  } finally {
    await link?.stop()
    await rm(join(place.directory, 'cache'), { recursive: true, force: true })
  }
}

async function takeTurns(scenario: Scenario, place: Place, job: Job): Promise<Map<string, Run[]>> {
  const present = []
  for (const contender of scenario.contenders) if (await isOnPath(contender.program)) present.push(contender)
  const runs = new Map<string, Run[]>(present.map(({ name }) => [name, []]))
  for (const contender of scenario.cached ? present.slice(0, 1) : []) await takeTurn(contender, place, job)
  for (let round = 0; round < place.rounds; round++) {
    for (const contender of present) {
      const run = await takeTurn(contender, place, job)
      runs.get(contender.name)?.push(run)
      console.error(`${scenario.name} ${round + 1}: ${contender.name} ${run.seconds.toFixed(2)} s`)
    }
  }
  return runs
}

async function takeTurn(contender: Contender, place: Place, job: Job): Promise<Run> {
  const before = (await place.registry.readLog()).length
  const sample = await runMeasured(contender.command(job), place.directory)
  const size = await sizeOf(job.output)
  const least = contender.writes === 'nothing' ? 0 : (place.image?.[contender.writes] ?? 0) - configSize
  if (size < least) throw new Error(`${contender.name} wrote ${size} bytes of ${least}`)
  await rm(job.output, { recursive: true, force: true })
  // The registry logs a request a little after it has been answered.
  await wait(100)
  return { ...sample, fetched: blobBytesIn((await place.registry.readLog()).slice(before)) }
}

/** The floors leave the image's config out. */
const configSize = 5000

const nothing = { cpuSeconds: 0, memory: 0, written: 0, fetched: 0 }

function secondsOfLink({ shared, perConnection = 0 }: LinkOptions, bytes: number): number | undefined {
  const bytesPerSecond = shared ?? perConnection * connections
  return bytesPerSecond > 0 ? bytes / bytesPerSecond : undefined
}

function blobBytesIn(log: string): number {
  return log
    .split('\n')
    .filter((line) => /msg="response completed"/.test(line) && /method=GET .*\/blobs\/sha256:/.test(line))
    .reduce((sum, line) => sum + Number(/http\.response\.written=(\d+)/.exec(line)?.[1] ?? 0), 0)
}

async function sizeOf(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined)
  if (!entry?.isDirectory()) return entry?.size ?? 0
  const files = await readdir(path, { recursive: true, withFileTypes: true })
  let size = 0
  for (const file of files) if (file.isFile()) size += (await stat(join(file.parentPath, file.name))).size
  return size
}

async function isOnPath(program: string): Promise<boolean> {
  const directories = (process.env.PATH ?? '').split(delimiter)
  const found = await Promise.allSettled(directories.map((directory) => access(join(directory, program))))
  return found.some(({ status }) => status === 'fulfilled')
}
