// Pulls an image of six layers, 150 MB (460 MB unpacked), into a docker archive with dray and with skopeo, in turns.
//   node .build/run.js test/bench/pull-vs-skopeo.ts [RUNS]
// Needs docker-registry, buildah and skopeo, and a dist/ that is up to date.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startRegistry } from '../support/engines/docker-registry.ts'
import { type Measurement, measure } from '../support/engines/measure.ts'
import { mustRun } from '../support/engines/run.ts'

const layers = 6
const layerSize = 77_000_000
const runs = Number(process.argv[2] ?? 5)

const directory = await mkdtemp(join(tmpdir(), 'dray-bench-'))
const storage = join(directory, 'storage')
const registry = await startRegistry({ directory, storage })
try {
  const reference = `${registry.host}/bench:1`
  await pushImage(reference)
  report(await takeTurns(reference))
} finally {
  await registry.stop()
  await rm(directory, { recursive: true, force: true })
}

async function pushImage(reference: string): Promise<void> {
  const context = join(directory, 'context')
  const names = Array.from({ length: layers }, (_, index) => `file-${index}`)
  await mkdir(context)
  for (const name of names) await writeThirdRandom(join(context, name), layerSize)
  await writeFile(
    join(context, 'Dockerfile'),
    ['FROM scratch', ...names.map((name) => `COPY ${name} /`)].join('\n'),
  )
  const buildah = [
    '--root',
    join(directory, 'root'),
    '--runroot',
    join(directory, 'run'),
    '--storage-driver=vfs',
  ]
  await mustRun('buildah', [...buildah, 'bud', '--layers', '--format=docker', '--tag=bench', context])
  await mustRun('buildah', [...buildah, 'push', '--tls-verify=false', 'bench', `docker://${reference}`])
  await rm(join(directory, 'root'), { recursive: true })
}

async function writeThirdRandom(path: string, size: number): Promise<void> {
  const third = 100_000
  const text = Buffer.alloc(2 * third, 'The quick brown fox jumps over the lazy dog.\n')
  const file = await open(path, 'wx')
  for (let written = 0; written < size; written += 3 * third) await file.writev([randomBytes(third), text])
  await file.close()
}

async function takeTurns(reference: string): Promise<Record<'dray' | 'skopeo', readonly Measurement[]>> {
  const archive = join(directory, 'image.tar')
  const commands = {
    dray: [process.execPath, resolve('bin/dray.js'), reference, '-j', '4', '-o', archive],
    skopeo: [
      'skopeo',
      'copy',
      '--src-tls-verify=false',
      `docker://${reference}`,
      `docker-archive:${archive}`,
    ],
  }
  const results = { dray: [] as Measurement[], skopeo: [] as Measurement[] }
  for (let turn = 0; turn < runs; turn++) {
    for (const name of ['dray', 'skopeo'] as const) {
      const [command = '', ...args] = commands[name]
      const result = await measure(command, args)
      if (result.exitCode !== 0) throw new Error(`${commands[name].join(' ')} ended with ${result.exitCode}`)
      results[name].push(result)
      await rm(archive)
    }
  }
  return results
}

function report({ dray, skopeo }: Record<'dray' | 'skopeo', readonly Measurement[]>): void {
  const megabytes = (results: readonly Measurement[]) => (median(results, 'peakMemory') / 1e6).toFixed(0)
  const [ours, theirs] = [median(dray, 'seconds'), median(skopeo, 'seconds')]
  console.log(`medians of ${runs} runs`)
  console.log(`dray -j 4                     ${ours.toFixed(2)} s  ${megabytes(dray)} MB`)
  console.log(`skopeo copy … docker-archive: ${theirs.toFixed(2)} s  ${megabytes(skopeo)} MB`)
  console.log(`ratio                         ${(ours / theirs).toFixed(2)}`)
}

function median(results: readonly Measurement[], what: 'seconds' | 'peakMemory'): number {
  const values = results.map((result) => result[what]).toSorted((a, b) => a - b)
  return values[Math.floor(values.length / 2)] ?? Number.NaN
}
