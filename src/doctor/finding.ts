import { type DrayError, isDrayError } from '../errors.ts'
import { sanitize } from '../http/sanitize.ts'

/** The steps of a pull up to its first layer, in their order. */
export type Step =
  | 'reference'
  | 'endpoint'
  | 'dns'
  | 'tcp'
  | 'proxy'
  | 'tls'
  | 'api'
  | 'challenge'
  | 'credentials'
  | 'token'
  | 'manifest'
  | 'platform'
  | 'blob'
  | 'clock'
  | 'rate-limit'

/** What came of one step. Nothing in it is secret, or could steer a terminal. */
export interface Finding {
  readonly step: Step
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  /** Which endpoint it is about; absent for what is about all of them. */
  readonly host?: string
  /** One line. */
  readonly summary: string
  /** More lines. */
  readonly detail?: readonly string[]
  /** In milliseconds. */
  readonly elapsed: number
  /** Of a failed step, and of some that end in a warning. */
  readonly error?: DrayError
}

/** What a step has to tell that did not fail, and what the steps after it need to know. */
export interface Outcome<T> {
  /** Default: `ok`. */
  readonly status?: 'ok' | 'warning' | 'skipped'
  readonly summary: string
  readonly error?: DrayError | undefined
  /** In milliseconds, when it is not the time of the work. */
  readonly elapsed?: number
  readonly value: T
}

/** Adds a line to the detail of a step. */
export type Say = (line: string) => void

/**
 * Does the work of a step and tells what came of it. A DrayError is told as the step's failure before it is passed on;
 * ABORTED is nobody's.
 */
export type RunStep = <T>(step: Step, work: (say: Say) => Promise<Outcome<T>>) => Promise<T>

/** Runs steps that are findings of their own, about a host where one is named. */
export function stepRunner(tell: (finding: Finding) => void, host?: string): RunStep {
  return async (step, work) => {
    const began = performance.now()
    const detail: string[] = []
    const finish = (finding: Pick<Finding, 'status' | 'summary' | 'error'>, elapsed?: number) =>
      tell({
        step,
        ...finding,
        summary: sanitize(finding.summary),
        ...(host !== undefined && { host: sanitize(host) }),
        ...(detail.length > 0 && { detail: detail.map((line) => sanitize(line)) }),
        elapsed: Math.round(elapsed ?? performance.now() - began),
      })
    try {
      const { status = 'ok', summary, error, elapsed, value } = await work((line) => detail.push(line))
      finish({ status, summary, ...(error && { error }) }, elapsed)
      return value
    } catch (error) {
      if (isFailure(error)) finish({ status: 'failed', summary: error.message, error })
      throw error
    }
  }
}

/** True for what a step can fail with; an interruption and a bug are no findings. */
export function isFailure(error: unknown): error is DrayError {
  return isDrayError(error) && error.code !== 'ABORTED'
}

/** Runs steps that are no more than a line each of another step's detail: the way to a host that a registry sends us to. */
export function linesOf(say: Say, host: string): RunStep {
  return async (step, work) => {
    const began = performance.now()
    const { status, summary, elapsed, value } = await work(() => {})
    const time = Math.round(elapsed ?? performance.now() - began)
    if (status !== 'skipped') say(`${host}: ${step}: ${summary} (${time} ms)`)
    return value
  }
}
