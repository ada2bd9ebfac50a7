import fc from 'fast-check'
import { isDrayError } from '../../src/errors.ts'

/** Something that holds for every input, with the inputs for which it once did not. */
export interface Property {
  /** A sentence about what dray promises. */
  readonly name: string
  check(parameters: Parameters): Promise<Outcome>
}

export type Parameters = Pick<fc.Parameters<unknown>, 'seed' | 'numRuns' | 'interruptAfterTimeLimit' | 'path'>

export interface Outcome {
  readonly runs: number
  readonly seed: number
  /** The smallest input that was found, why it is one, and how to see it again; undefined when there is none. */
  readonly failure: string | undefined
}

type Arbitraries<T extends readonly unknown[]> = { [K in keyof T]: fc.Arbitrary<T[K]> }

export interface PropertyOptions<T extends readonly unknown[]> {
  /** Inputs that were found by earlier runs, or that one would think of: tried first, every time. */
  readonly examples?: readonly T[]
  /** How many of the usual runs are enough where one of them takes long: `0.1`. */
  readonly share?: number
}

/** Whatever the input, no run may take more than this of a processor's time, in milliseconds. */
const longestRun = 2000

export function property<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: Arbitraries<T>,
  holds: (...input: T) => void | Promise<void>,
  { examples = [], share = 1 }: PropertyOptions<NoInfer<T>> = {},
): Property {
  const bounded = async (...input: T) => {
    const before = process.cpuUsage()
    await holds(...input)
    const { user, system } = process.cpuUsage(before)
    const spent = (user + system) / 1000
    if (spent > longestRun) throw new Error(`it took ${Math.round(spent)} ms`)
  }
  return {
    name,
    async check({ numRuns = 100, ...parameters }) {
      const asked = fc.asyncProperty<T>(...(arbitraries as never), bounded)
      const details = await fc.check(asked, {
        ...parameters,
        numRuns: Math.max(examples.length + 1, Math.ceil(numRuns * share)),
        examples: [...examples],
      })
      return {
        runs: details.numRuns,
        seed: details.seed,
        failure: details.failed ? explain(details) : undefined,
      }
    },
  }
}

const longestReport = 3000

function explain<T>(details: fc.RunDetails<T>): string {
  const report = fc.defaultReportMessage(details) ?? ''
  const { seed, counterexamplePath: path, errorInstance: error } = details
  const reason = error instanceof Error ? error.stack : String(error)
  return `${report.slice(0, longestReport)}\nseed ${seed}, path ${path}: ${reason?.slice(0, longestReport)}`
}

/** What `act` gives; undefined when it refuses with an error that may be printed as it is. Any other error goes through. */
export function unlessRefused<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    checkRefusal(error)
    return undefined
  }
}

/** The same for what takes time. */
export async function unlessRejected<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error: unknown) => {
    checkRefusal(error)
    return undefined
  })
}

function checkRefusal(error: unknown): void {
  if (!isDrayError(error)) throw error
  for (const text of [error.message, error.hint ?? '']) {
    if (unprintable.test(text)) throw new Error(`this cannot be printed: ${JSON.stringify(text)}`)
  }
}

/** What a terminal could take for more than a character. */
export const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
