import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { main } from '../../../src/cli/main.ts'
import { describeFault, type Fault, type FaultKind, type StruckCall } from './fault.ts'
import { makeCallsFaulty } from './faulty-calls.ts'
import { makeWorkersFaulty } from './faulty-workers.ts'
import { type Case, judge, type Outcome } from './judge.ts'
import { moveHome, runCommand } from './run-command.ts'
import { makeOld, openScene, type Scene, takeSnapshot } from './scene.ts'
import { createSharedFaults, type SharedFaults } from './shared-faults.ts'
import type { Variation } from './variations.ts'

/** What came of a variation in which every call was struck in its turn. */
export interface Ordeal {
  readonly name: string
  readonly runs: number
  /** How many runs failed for it, as they should. */
  readonly failed: number
  /** In how many runs the call that was struck was one of a worker. */
  readonly inWorkers: number
  /** Of what went wrong, with the call that was struck. */
  readonly complaints: readonly string[]
}

/** Where faults happen: one for the whole process, for there is one file system. */
export interface Chamber {
  torture(variation: Variation, faults: Pick<Fault, 'kind' | 'lasts'>, every?: number): Promise<Ordeal>
  /** Lets a worker write a file, and strikes one of its calls. */
  inWorker(
    kind: FaultKind,
    nth: number,
  ): Promise<{ readonly struck: StruckCall | undefined; readonly error: string }>
  close(): Promise<void>
}

export interface ChamberOptions {
  /** Of the layers of the image, in bytes. */
  readonly layerSizes: readonly number[]
  /** The command line that is tortured, when it is not that of the sources: they have no workers. */
  readonly main?: typeof main
}

/** Enough for threads: what is written in one piece or two is written by the thread that runs the command. */
export const sizesForThreads = [4_500_000, 4_400_000] as const

/** The command line of the package whose launcher this is. */
export async function mainOf(launcher: string): Promise<typeof main> {
  const bundle = new URL('../dist/main.cjs', pathToFileURL(launcher))
  return (await import(/* @vite-ignore */ bundle.href)).main
}

/** Opens it in a directory of its own. */
export async function openChamber({ main: given = main, layerSizes }: ChamberOptions): Promise<Chamber> {
  const directory = mkdtempSync(join(tmpdir(), 'dray-torture-'))
  const scene = await openScene(directory, { layerSizes })
  const faults = createSharedFaults(directory)
  const undo = [makeWorkersFaulty(), makeCallsFaulty(faults), moveHome(directory)]
  return {
    torture: (variation, kind, every = 1) =>
      tortureEvery(variation, { ...kind, every, scene, faults, main: given }),
    async inWorker(kind, nth) {
      faults.arm({ kind, nth, lasts: false })
      const worker = new Worker(writer, { eval: true, workerData: join(directory, 'of-a-worker') })
      const [error] = await once(worker, 'message')
      await worker.terminate()
      return { struck: faults.disarm(), error }
    },
    async close() {
      for (const step of undo.reverse()) step()
      await scene.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** As a worker for layers does it: with calls that wait. */
const writer = `
  const { openSync, writeSync } = require('node:fs')
  const { parentPort, workerData } = require('node:worker_threads')
  try {
    writeSync(openSync(workerData, 'w'), Buffer.from('something'), 0, 9, 0)
    parentPort.postMessage('nothing')
  } catch (error) {
    parentPort.postMessage(error.message)
  }
`

interface Bench {
  readonly scene: Scene
  readonly faults: SharedFaults
  readonly main: typeof main
}

interface Plan extends Bench {
  readonly kind: FaultKind
  readonly lasts: boolean
  /** 1 is each, 2 every other. */
  readonly every: number
}

async function tortureEvery(variation: Variation, { kind, lasts, every, ...bench }: Plan): Promise<Ordeal> {
  const name = `${variation.name}: ${kind}${lasts ? ', which lasts' : ''}`
  const clean = await runClean(variation, bench)
  const complaints: string[] = []
  let [runs, failed, inWorkers, misses] = [0, 0, 0, 0]
  for (let nth = 1; misses < mostMisses; nth += every) {
    const fault = { kind, nth, lasts }
    const { struck, exitCode, wrong } = await strikeOnce(variation, fault, { clean, ...bench })
    misses = struck ? 0 : misses + 1
    if (!struck) continue
    runs += 1
    failed += Number(exitCode !== clean.exitCode)
    inWorkers += Number(struck.isInWorker)
    const where = `${describeFault(fault)} (${struck.operation} ${struck.path})`
    complaints.push(...wrong.map((each) => `${variation.name}, ${where}: ${each}`))
  }
  return { name, runs, failed, inWorkers, complaints }
}

/** Not every run has as many calls as the one before: so many in a row have to have fewer before there are no more. */
const mostMisses = 3

async function runClean(variation: Variation, bench: Bench): Promise<Outcome> {
  prepare(variation, bench.scene)
  return run(variation, bench)
}

function prepare(variation: Variation, scene: Scene): void {
  scene.clear()
  variation.prepare?.(scene)
}

async function run(variation: Variation, { scene, faults, main }: Bench, fault?: Fault): Promise<Outcome> {
  const { directory } = scene
  const before = takeSnapshot(directory)
  if (fault) faults.arm(fault)
  const finished = await runCommand(variation.args(scene), { directory, stdin: variation.stdin, main })
  const calls = faults.calls()
  const openFiles = await openFilesOf(faults)
  await wait(5)
  const later = faults.calls() - calls
  const struck = faults.disarm()
  return { ...finished, before, openFiles, later, struck, after: takeSnapshot(directory) }
}

/** Streams close their files a little later. */
async function openFilesOf(faults: SharedFaults): Promise<number> {
  for (let look = 0; look < 100 && faults.openFiles() > 0; look++) await wait(5)
  return faults.openFiles()
}

/** Strikes one call, then runs the same again without. */
async function strikeOnce(
  variation: Variation,
  fault: Fault,
  { clean, ...bench }: Bench & Pick<Case, 'clean'>,
): Promise<Outcome & { readonly wrong: readonly string[] }> {
  const { scene } = bench
  prepare(variation, scene)
  const outcome = await run(variation, bench, fault)
  const about = { scene, variation, clean }
  makeOld(scene)
  const again = { ...(await run(variation, bench)), before: clean.before }
  const wrongAgain = judge(again, about).map((each) => `and then, when nothing goes wrong: ${each}`)
  return { ...outcome, wrong: [...judge(outcome, about), ...wrongAgain] }
}
