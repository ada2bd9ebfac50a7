import { DrayError } from '../errors.ts'
import type { Where } from '../http/failures.ts'
import { retryClass, toNetworkError } from '../http/network-error.ts'
import { backoff, type RetryInfo, wait } from '../http/retry.ts'

export interface TryPolicy {
  /** How often to try again without progress. */
  readonly retries: number
  readonly onRetry?: ((info: RetryInfo) => void) | undefined
  /** How to wait so many milliseconds. */
  readonly sleep?: typeof wait | undefined
}

export interface Tries {
  /** Waits until it is time for the next try. Throws when there is none: NETWORK, or the error if trying is no use. */
  failed(error: unknown, where: Where): Promise<void>
  /**
   * Waits for the one more try that a whole answer with the wrong bytes is worth, however few tries there are: a cache or
   * proxy on the way may have had a bad moment. Throws the error when there has been one.
   */
  mistaken(error: DrayError): Promise<void>
  /** There was progress: counts from zero again. */
  reset(): void
}

/**
 * Counts how often the body of `what` broke off. Requests that get no answer are not counted here: they were tried
 * again below.
 */
export function countTries(
  { retries, onRetry, sleep = wait }: TryPolicy,
  what: string,
  signal: AbortSignal,
): Tries {
  let attempt = 0
  let mistakes = 0
  const again = async (reason: string, attempt: number, attempts: number) => {
    const delay = backoff(attempt)
    onRetry?.({ what, reason, attempt, attempts, delay })
    await sleep(delay, signal)
  }
  return {
    async failed(error, where) {
      signal.throwIfAborted()
      const problem = toNetworkError(error, where)
      if (retryClass(error) === 'never') throw problem
      if (attempt === retries) throw givenUp(problem, what, attempt)
      attempt += 1
      await again(problem.message, attempt, retries)
    },
    async mistaken(error) {
      signal.throwIfAborted()
      mistakes += 1
      if (mistakes > 1) throw error
      await again(error.message, 1, 1)
    },
    reset() {
      attempt = 0
    },
  }
}

function givenUp(problem: DrayError, what: string, attempts: number): DrayError {
  const tried = attempts === 0 ? '' : `, ${attempts + 1} times without progress`
  return new DrayError('NETWORK', `${what} broke off${tried}: ${problem.message}`, {
    hint: problem.hint,
    cause: problem,
  })
}
