import { isIP } from 'node:net'
import { DrayError } from '../errors.ts'
import { retryAfter } from './retry.ts'
import { sanitize } from './sanitize.ts'
import type { ServerWords } from './server-words.ts'
import { type HttpResponse, headerOf } from './transport.ts'

/** How much may be pulled, as Docker Hub tells with every manifest. */
export interface RateLimit {
  readonly limit: number
  /** What is left of it. */
  readonly remaining?: number | undefined
  /** The time that it is counted over, in seconds. */
  readonly window?: number | undefined
  /** Whom it is counted for: an address, or the id of an account. */
  readonly source?: string | undefined
}

/** Reads `ratelimit-limit: 100;w=21600` and its neighbours; undefined where there is no such limit. */
export function rateLimitOf(response: Pick<HttpResponse, 'headers'>): RateLimit | undefined {
  const [, limit, window] =
    /^(\d{1,9})(?:;w=(\d{1,9}))?/.exec(headerOf(response, 'ratelimit-limit') ?? '') ?? []
  if (limit === undefined) return undefined
  const remaining = /^\d{1,9}/.exec(headerOf(response, 'ratelimit-remaining') ?? '')?.[0]
  const source = headerOf(response, 'docker-ratelimit-source')
  return {
    limit: Number(limit),
    remaining: remaining === undefined ? undefined : Number(remaining),
    window: window === undefined ? undefined : Number(window),
    source: source && sanitize(source, 60),
  }
}

/** What a limit says, in words: `100 in 6 h, 0 left, counted for 198.51.100.7`. */
export function formatRateLimit({ limit, remaining, window, source }: RateLimit): string {
  const parts = [
    window ? `${limit} in ${formatWait(window * 1000)}` : `${limit}`,
    remaining !== undefined && `${remaining} left`,
    source && `counted for ${isIP(source) ? source : 'the account'}`,
  ]
  return parts.filter(Boolean).join(', ')
}

/**
 * The RATE_LIMITED error for an answer of `who`, with what is left and when to come back. A 429 without a registry's
 * words or numbers comes from the guard before it, which counts requests.
 */
export function rateLimitError(
  who: string,
  response: Pick<HttpResponse, 'headers'>,
  words: ServerWords,
  client: { readonly registry: string; readonly loggedIn: boolean },
): DrayError {
  const limit = rateLimitOf(response)
  const said = [...words.codes, words.text].filter(Boolean).join(': ')
  const quote = said && ` (${said})`
  const message = limit
    ? `${who} limits how much may be pulled: ${formatRateLimit(limit)}${quote}`
    : `${who} wants fewer requests for now, 429${quote}`
  const login = client.loggedIn ? '' : `, or log in, which raises most limits: dray login ${client.registry}`
  return new DrayError('RATE_LIMITED', message, { hint: `try again ${comeBack(response, limit)}${login}` })
}

function comeBack(response: Pick<HttpResponse, 'headers'>, limit: RateLimit | undefined): string {
  const wait = retryAfter(response)
  if (wait !== undefined) return `in ${formatWait(wait)}`
  return limit?.window
    ? `later (what is older than ${formatWait(limit.window * 1000)} does not count)`
    : 'in some minutes'
}

/** In words, never too short: `40 s`, `12 min`, `5 h 12 min`, `3 days`. */
function formatWait(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 100) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  if (minutes >= 48 * 60) return `${Math.ceil(minutes / (24 * 60))} days`
  return [`${Math.floor(minutes / 60)} h`, minutes % 60 > 0 && `${minutes % 60} min`]
    .filter(Boolean)
    .join(' ')
}
