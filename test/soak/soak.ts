// Looks long for what breaks dray's promises: npm run soak -- [PART [--seed N] [--launcher FILE] [options of the part]]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { faults } from './faults.ts'
import { fuzz } from './fuzz.ts'
import { kills } from './kills.ts'
import { memory } from './memory.ts'
import type { Part, Report } from './part.ts'
import { together } from './together.ts'
import { torture } from './torture.ts'

const parts: readonly Part[] = [kills, faults, together, memory, torture, fuzz]

const args = process.argv.slice(2)
const [name] = args[0]?.startsWith('-') ? [] : args.splice(0, 1)
const wanted = name === undefined ? parts : parts.filter((part) => part.name === name)
if (wanted.length > 0) await soak(wanted, args)
else explain(name)

function explain(name: string | undefined): void {
  console.error(`There is no part ${name}. Parts, and their numbers:`)
  for (const { name, promise, numbers } of parts) {
    const options = Object.entries(numbers).map(([option, number]) => ` [--${option} ${number}]`)
    console.error(`  ${name}${options.join('')}\n    ${promise}`)
  }
  process.exitCode = 2
}

async function soak(parts: readonly Part[], args: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dray-soak-'))
  try {
    const launcher = await findLauncher(directory, args)
    const reports = new Map<string, Report>()
    for (const part of parts) reports.set(part.name, await runPart(part, args, { launcher, directory }))
    for (const [name, { failures, summary }] of reports) {
      console.log(
        `${failures.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${summary}; ${failures.length} failures`,
      )
    }
    const isWell = [...reports.values()].every(({ failures }) => failures.length === 0)
    process.exitCode = isWell ? 0 : 1
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A copy, so that what is built meanwhile changes nothing. */
async function findLauncher(directory: string, args: readonly string[]): Promise<string> {
  const { launcher } = readOptions(args, [], false)
  if (typeof launcher === 'string') return resolve(launcher)
  const [code] = await once(spawn(process.execPath, ['.build/build.js'], { stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`the build exited with ${code}`)
  for (const path of ['bin', 'dist', 'package.json']) {
    await cp(path, join(directory, 'dray', path), { recursive: true })
  }
  return join(directory, 'dray', 'bin', 'dray.js')
}

interface Place {
  readonly launcher: string
  readonly directory: string
}

async function runPart(part: Part, args: readonly string[], place: Place): Promise<Report> {
  const names = Object.keys(part.numbers)
  const { seed = Math.floor(Math.random() * 2 ** 31), ...given } = readOptions(args, names, true)
  const numbers = names.map((name) => [name, numberOf(name, given[name] ?? part.numbers[name])])
  const directory = join(place.directory, part.name)
  const say = (line: string) => console.log(`${part.name}: ${line}`)
  say(`${part.promise} (--seed ${seed})`)
  const began = performance.now()
  try {
    await mkdir(directory)
    const report = await part.run({
      ...place,
      ...{
        seed: numberOf('seed', seed),
        numbers: Object.fromEntries(numbers),
        words: given.words,
        directory,
        say,
      },
    })
    for (const failure of report.failures) say(`FAIL ${failure}`)
    const seconds = Math.round((performance.now() - began) / 1000)
    return { ...report, summary: `${report.summary}; seed ${seed}, ${seconds} s` }
  } catch (error) {
    console.error(error)
    return { summary: `seed ${seed}`, failures: ['it broke off'] }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface Given extends Readonly<Record<string, unknown>> {
  readonly seed?: string
  readonly launcher?: string
  readonly words: readonly string[]
}

function readOptions(args: readonly string[], numbers: readonly string[], strict: boolean): Given {
  const names = ['seed', 'launcher', ...numbers]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values, positionals } = parseArgs({ args: [...args], options, strict, allowPositionals: true })
  return { ...values, words: positionals } as Given
}

function numberOf(name: string, text: unknown): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text} is no number`)
  return number
}
