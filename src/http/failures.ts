import { type ErrorCode, systemErrorCode } from '../errors.ts'
import { sanitize } from './sanitize.ts'
import type { RequestPurpose } from './transport.ts'

/** Whom the failed request spoke to. */
export interface Where {
  readonly url: URL
  readonly purpose: RequestPurpose | 'proxy'
  /** Which proxy the connection went through. */
  readonly via?: URL | undefined
  /** It had begun to answer. */
  readonly answered?: boolean | undefined
}

/** How often a failure is worth another try. */
export type RetryClass = 'transient' | 'once' | 'never'

/** What a kind of failure means for us and for the user. */
export interface Failure {
  /** Whole codes of Node, undici, llhttp and OpenSSL. */
  readonly codes: RegExp
  /** Where the code alone does not tell. */
  readonly applies?: (error: unknown) => boolean
  readonly code: ErrorCode
  readonly retry: RetryClass
  readonly words: (peer: string, error: unknown, where: Where) => string
  readonly hint?: (where: Where, error: unknown) => string | undefined
}

/** An error's code, or its name: HTTPParserError has no code in places, AbortError an old numeric one. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return tellingCode(error.errors.map(codeOf))
  const name = error instanceof Error ? error.name : ''
  return systemErrorCode(error) ?? (name === 'AbortError' ? 'ABORT_ERR' : name)
}

/** Of all addresses that were tried, IPv6 ones are often just not reachable; what the other said is the news. */
function tellingCode(codes: readonly string[]): string {
  return codes.find((code) => !/UNREACH$|NOTAVAIL$/.test(code)) ?? codes[0] ?? ''
}

/** What an error says of itself, fit for a message. */
export function messageOf(error: unknown): string {
  return sanitize(error instanceof Error ? error.message || error.name : String(error), 300)
}

/** An error with a code in Node's manner, for failures that we notice ourselves. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** The codes that statuses have as errors, of those that say that something is wrong just now. */
export const transientStatus = /^HTTP_(408|425|429|500|502|503|504|522|524)$/

/** Statuses that say that something is wrong just now. */
export function isTransientStatus(status: number): boolean {
  return transientStatus.test(`HTTP_${status}`)
}
