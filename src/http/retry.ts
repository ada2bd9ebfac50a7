import { setTimeout as sleepFor } from 'node:timers/promises'
import { isTransientStatus } from './failures.ts'
import { abortError, isRefused, retryClass } from './network-error.ts'
import { discardBody } from './read-body.ts'
import { type HttpRequest, type HttpResponse, headerOf, type Interceptor } from './transport.ts'

/** Told before each wait. */
export interface RetryInfo {
  readonly what: string
  readonly reason: string
  /** From 1 on; `attempts` is the last. */
  readonly attempt: number
  readonly attempts: number
  /** In milliseconds. */
  readonly delay: number
}

export interface RetryOptions {
  /** How many more tries after the first; default 6. */
  readonly retries?: number | undefined
  /** In milliseconds; a server that asks for more patience is not asked again. Default: 5 minutes. */
  readonly longestWait?: number | undefined
  readonly onRetry?: ((info: RetryInfo) => void) | undefined
  readonly sleep?: typeof wait | undefined
  /** From 0 to 1. */
  readonly random?: (() => number) | undefined
}

/** Longer than this, a server's Retry-After is news for the user, not a wait. */
const longestUsefulWait = 5 * 60_000

/**
 * Asks again after a bad moment: a status such as 503 or 429, or a connection that failed in passing. When that does not
 * help, gives the last response back or throws the last error. All requests of a pull may be repeated, token POSTs too.
 */
export function retry(options: RetryOptions = {}): Interceptor {
  const { retries = 6, longestWait = longestUsefulWait, onRetry, sleep = wait, random } = options
  return (next) => async (request) => {
    if (request.once) return next(request)
    for (let attempt = 1; ; attempt++) {
      const outcome = await next(request).then(judgeResponse, judgeError)
      const attempts = Math.min(retries, outcome.retries)
      const asked = outcome.retryAfter ?? 0
      if (attempt > attempts || asked > longestWait) return outcome.settle()
      outcome.drop()
      const delay = Math.max(asked, backoff(attempt, random))
      onRetry?.({ what: describe(request), reason: outcome.reason, attempt, attempts, delay })
      await sleep(delay, request.signal)
    }
  }
}

interface Outcome {
  readonly reason: string
  /** How many more tries this is worth. */
  readonly retries: number
  readonly retryAfter?: number | undefined
  settle(): HttpResponse
  drop(): void
}

function judgeResponse(response: HttpResponse): Outcome {
  return {
    reason: `${response.url.host} answered ${response.status}`,
    retries: isTransientStatus(response.status) ? Number.POSITIVE_INFINITY : 0,
    retryAfter: retryAfter(response),
    settle: () => response,
    drop: () => discardBody(response.body),
  }
}

function judgeError(error: unknown): Outcome {
  return {
    reason: error instanceof Error ? error.message : String(error),
    retries: worthOf(error),
    settle: () => {
      throw error
    },
    drop: () => {},
  }
}

/** Where nothing listens, three quick tries see whether it is just restarting. */
function worthOf(error: unknown): number {
  if (isRefused(error)) return 2
  return { transient: Number.POSITIVE_INFINITY, once: 1, never: 0 }[retryClass(error)]
}

function describe({ purpose, url }: HttpRequest): string {
  return `${purpose} from ${url.host}`
}

/** How long to wait before a try, in milliseconds: doubling from half a second to half a minute, give or take a quarter. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const delay = Math.min(30_000, 500 * 2 ** (attempt - 1))
  return Math.round(delay * (0.75 + random() / 2))
}

/**
 * What Retry-After asks for, in milliseconds (RFC 9110 section 10.2.3); a date counts from the response's own Date, since
 * clocks differ. Undefined when it is absent, makes no sense or lies in the past.
 */
export function retryAfter(response: Pick<HttpResponse, 'headers'>): number | undefined {
  const value = headerOf(response, 'retry-after')?.trim() ?? ''
  const delay = /^\d{1,10}$/.test(value) ? Number(value) * 1000 : parseDate(value) - serverTime(response)
  return delay > 0 ? delay : undefined
}

function serverTime(response: Pick<HttpResponse, 'headers'>): number {
  return parseDate(headerOf(response, 'date') ?? '') || Date.now()
}

function parseDate(text: string): number {
  return /^[A-Za-z]{3,9},? .* GMT$/.test(text) ? Date.parse(text) : Number.NaN
}

/** Waits, in milliseconds; rejects with ABORTED as soon as the signal says so. */
export async function wait(delay: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleepFor(delay, undefined, { ...(signal && { signal }) })
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error
  }
}
