// dray beside whoever else is on PATH, on images of its own making:
//   npm run bench -- [--only PART OF A NAME] [--runs N] [--images DIR] [--save | --check]
// Needs docker-registry, skopeo, curl and GNU time (apt-get install time), and a dist/ that is up to date. crane and
// regctl take part when they are there. --images keeps the images between runs; --save writes results.json and
// results.svg beside this file; --check fails when dray is worse than results.json says.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startRegistry } from '../support/engines/docker-registry.ts'
import { findWorse } from './compare.ts'
import { type Image, type ImageName, provideImages } from './images.ts'
import { formatResults, formatTargets } from './markdown.ts'
import { plot } from './plot.ts'
import { runScenario, type ScenarioResult } from './run-scenario.ts'
import { scenarios } from './scenarios.ts'
import { type ScenarioResults, targets } from './targets.ts'

interface SavedResults {
  readonly machine: string
  readonly scenarios: ScenarioResults
}

const savedFile = 'test/bench/results.json'
const plotFile = 'test/bench/results.svg'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string' },
    images: { type: 'string' },
    save: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
const measured = await runAll()
console.log(`${machine}\n\n${formatResults(measured)}\n${formatTargets(targets, measured)}`)
if (options.check) await check(measured)
if (options.save) await save(measured)

async function runAll(): Promise<ScenarioResults> {
  const wanted = scenarios.filter(({ name }) => name.includes(options.only))
  if (wanted.length === 0) throw new Error(`no scenario is called ${options.only}`)
  const directory = await mkdtemp(join(tmpdir(), 'dray-bench-'))
  const storage = resolve(options.images ?? join(directory, 'storage'))
  await mkdir(storage, { recursive: true })
  const registry = await startRegistry({ directory, storage })
  try {
    const names = new Set<ImageName>(wanted.flatMap(({ image }) => image ?? []))
    const images: ReadonlyMap<ImageName, Image> = await provideImages(registry.host, [...names])
    const results: Record<string, ScenarioResult> = {}
    for (const scenario of wanted) {
      const image = scenario.image && images.get(scenario.image)
      const rounds = Number(options.runs ?? scenario.runs)
      results[scenario.name] = await runScenario(scenario, { registry, directory, image, rounds })
    }
    return results
  } finally {
    await registry.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

async function check(results: ScenarioResults): Promise<void> {
  const worse = findWorse((await readSaved()).scenarios, results)
  for (const line of worse) console.log(`worse than before: ${line}`)
  if (worse.length > 0) process.exitCode = 1
}

/** What ran takes the place of what was there; the rest stays. */
async function save(results: ScenarioResults): Promise<void> {
  const before = await readSaved().catch(() => undefined)
  const all = { ...before?.scenarios, ...results }
  await writeFile(savedFile, `${JSON.stringify({ machine, scenarios: all }, undefined, 2)}\n`)
  await writeFile(plotFile, plot(all))
}

async function readSaved(): Promise<SavedResults> {
  return JSON.parse(await readFile(savedFile, 'utf8'))
}
