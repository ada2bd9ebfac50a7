// Looks for inputs that break what is promised, with seeds of chance: npm run soak -- [MINUTES in all] [part of a name]
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { allProperties } from '../property/all-properties.ts'
import type { Outcome } from '../property/property.ts'

/** What the one process tells the other. */
interface Task {
  readonly name: string
  readonly seed: number
  readonly milliseconds: number
}

const runner = '.build/run.js'
const self = 'test/soak/fuzz.ts'

/** Over its time by so much, in milliseconds, a property hangs. */
const patience = 120_000

if (process.send) await serveTasks(process.send.bind(process))
else await soak(process.argv.slice(2))

async function soak([minutes = '60', part = '']: readonly string[]): Promise<void> {
  const properties = allProperties.filter(({ name }) => name.includes(part))
  const workers = Math.max(1, Math.min(availableParallelism(), properties.length))
  const milliseconds = (Number(minutes) * 60_000 * workers) / properties.length
  if (!(milliseconds > 0)) throw new Error(`${minutes} is no number of minutes, or nothing is called ${part}`)
  console.log(
    `${properties.length} properties, ${Math.round(milliseconds / 1000)} s each, by ${workers} processes`,
  )
  const tasks = properties.map(({ name }) => ({
    name,
    seed: Math.floor(Math.random() * 2 ** 31),
    milliseconds,
  }))
  const outcomes: Outcome[] = []
  await Promise.all(Array.from({ length: workers }, () => work(tasks, outcomes)))
  const runs = outcomes.reduce((sum, outcome) => sum + outcome.runs, 0)
  const failures = outcomes.filter(({ failure }) => failure !== undefined).length
  console.log(`${outcomes.length} properties, ${runs} runs, ${failures} failures`)
  process.exitCode = failures === 0 ? 0 : 1
}

/** A process of its own: what hangs or dies takes nothing else with it. */
async function work(tasks: Task[], outcomes: Outcome[]): Promise<void> {
  for (let task = tasks.shift(); task; task = tasks.shift()) {
    const outcome = await runTask(task)
    outcomes.push(outcome)
    const { failure, runs } = outcome
    console.log(`${failure === undefined ? 'ok  ' : 'FAIL'} seed ${task.seed}, ${runs} runs: ${task.name}`)
    if (failure !== undefined) console.log(failure)
  }
}

function runTask(task: Task): Promise<Outcome> {
  const child = fork(runner, [self], { execArgv: ['--max-old-space-size=1024'] })
  return new Promise((resolve) => {
    const fail = (failure: string) => resolve({ runs: 0, seed: task.seed, failure })
    const watch = setTimeout(() => {
      fail('it hangs')
      child.kill('SIGKILL')
    }, task.milliseconds + patience)
    child.on('message', (outcome: Outcome) => {
      resolve(outcome)
      child.disconnect()
    })
    child.on('exit', (code, signal) => fail(`the process ended with ${code ?? signal}`))
    child.on('exit', () => clearTimeout(watch))
    child.send(task)
  })
}

async function serveTasks(send: NonNullable<ChildProcess['send']>): Promise<void> {
  process.on('message', async ({ name, seed, milliseconds }: Task) => {
    const found = allProperties.find((property) => property.name === name)
    const parameters = { seed, numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: milliseconds }
    send((await found?.check(parameters)) ?? { runs: 0, seed, failure: 'there is no such property' })
  })
}
