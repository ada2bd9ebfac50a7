import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { allProperties } from '../property/all-properties.ts'
import type { Outcome } from '../property/property.ts'
import { createChance } from '../support/soak/chance.ts'
import type { FuzzTask } from './fuzz-process.ts'
import { definePart, type Setting } from './part.ts'

const runner = '.build/run.js'
const program = 'test/soak/fuzz-process.ts'

/** Over its time by so much, in milliseconds, a property hangs. */
const patience = 120_000

/** `npm run soak -- fuzz [MINUTES] [part of a name]`; so many minutes in all, over all processes and properties. */
export const fuzz = definePart({
  name: 'fuzz',
  promise: 'whatever comes in, every reader of what others have written holds what it promises',
  numbers: { minutes: 60 },
  async run({ seed, numbers, words: [minutes = numbers.minutes, part = ''], say }) {
    const properties = allProperties.filter(({ name }) => name.includes(part))
    const processes = Math.max(1, Math.min(availableParallelism(), properties.length))
    const milliseconds = (Number(minutes) * 60_000) / properties.length
    if (!(milliseconds > 0))
      throw new Error(`${minutes} is no number of minutes, or nothing is called ${part}`)
    say(
      `${properties.length} properties, ${Math.round(milliseconds / 1000)} s each, by ${processes} processes`,
    )
    const chance = createChance(seed)
    const tasks = properties.map(({ name }) => ({ name, seed: chance.between(0, 2 ** 31 - 1), milliseconds }))
    const outcomes: Outcome[] = []
    await Promise.all(Array.from({ length: processes }, () => work(tasks, outcomes, say)))
    const runs = outcomes.reduce((sum, outcome) => sum + outcome.runs, 0)
    return {
      summary: `${outcomes.length} properties, ${runs} runs, ${minutes} minutes in all`,
      failures: outcomes.flatMap(({ failure }) => failure ?? []),
    }
  },
})

/** A process of its own: what hangs or dies takes nothing else with it. */
async function work(tasks: FuzzTask[], outcomes: Outcome[], say: Setting['say']): Promise<void> {
  for (let task = tasks.shift(); task; task = tasks.shift()) {
    const outcome = await runTask(task)
    outcomes.push(outcome)
    const { failure, runs } = outcome
    say(`${failure === undefined ? 'ok  ' : 'FAIL'} seed ${task.seed}, ${runs} runs: ${task.name}`)
  }
}

function runTask(task: FuzzTask): Promise<Outcome> {
  const child: ChildProcess = fork(runner, [program], { execArgv: ['--max-old-space-size=1024'] })
  return new Promise((resolve) => {
    const fail = (failure: string) =>
      resolve({ runs: 0, seed: task.seed, failure: `${task.name}, seed ${task.seed}: ${failure}` })
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
