import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildImages } from './build-images.ts'
import type { Daemon } from './daemon.ts'
import { startRegistry } from './docker-registry.ts'
import { dockerOf, startDockerd } from './dockerd.ts'
import type { ImageName } from './images.ts'
import { enginesAreRequired, missingEngines } from './missing-engines.ts'
import { mustRun } from './run.ts'

/** What all integration tests share: it takes a minute to make, so it is made once. */
export interface World {
  /** For the files of the tests; gone at the end. */
  readonly directory: string
  /** `host:port` of a plain http registry on loopback that has all images. */
  readonly host: string
  /** The storage of that registry; others may serve it too. */
  readonly storage: string
  /** Where the state of the shared dockerd is. */
  readonly dockerDirectory: string
  readonly references: Readonly<Record<ImageName, string>>
}

/** The world, or why there is none on this machine. */
export interface Engines {
  readonly missing: readonly string[]
  readonly world?: World
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly engines: Engines
  }
}

const cleanup: (() => Promise<void>)[] = []

/** Starts a registry and a dockerd and fills the registry; where something is missing for that, says so or fails. */
export async function setup(project: TestProject): Promise<void> {
  const missing = missingEngines()
  if (missing.length > 0 && enginesAreRequired(process.env)) throw new Error(missing.join('\n'))
  if (missing.length > 0) console.warn(`The integration tests are skipped: ${missing.join(', ')}.`)
  project.provide('engines', missing.length > 0 ? { missing } : { missing, world: await createWorld() })
}

/** Stops what was started, the last first, and removes every file. */
export async function teardown(): Promise<void> {
  for (const step of cleanup.splice(0).reverse()) await step()
}

async function createWorld(): Promise<World> {
  try {
    return await startWorld()
  } catch (error) {
    await teardown()
    throw error
  }
}

async function startWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'dray-engines-'))
  cleanup.push(() => rm(directory, { recursive: true, force: true }))
  // Servers that give up root have to reach their own directories.
  await chmod(directory, 0o711)
  const storage = join(directory, 'storage')
  const dockerDirectory = join(directory, 'docker')
  const workshop = join(directory, 'workshop')
  for (const path of [storage, dockerDirectory, workshop]) await mkdir(path)
  const { host } = untilTheEnd(await startRegistry({ directory, storage }))
  untilTheEnd(await startDockerd(dockerDirectory))

  const docker = dockerOf(dockerDirectory)
  const busybox = await mustRun('which', ['busybox'])
  const references = await buildImages({ directory: workshop, host, docker, busybox })
  await rm(workshop, { recursive: true })
  return { directory, host, storage, dockerDirectory, references }
}

function untilTheEnd<T extends Daemon>(daemon: T): T {
  cleanup.push(() => daemon.stop())
  return daemon
}
