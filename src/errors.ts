/**
 * Every way a pull can fail that is not a bug in dray. The codes are API: they do not change within a major version.
 *
 * - `USAGE` an argument or option that makes no sense
 * - `NOT_FOUND` the registry has no such repository, tag or digest
 * - `NO_MATCHING_PLATFORM` the image exists, but not for the platform asked for
 * - `UNSUPPORTED` what is there is no container image, or of a kind that dray does not read
 * - `UNAUTHORIZED` the registry or its token server refused the credentials, or wants some
 * - `PROXY_AUTH` the proxy wants other credentials
 * - `NETWORK` no (sensible) answer, after retries
 * - `INTEGRITY` bytes that are not what their digest, size or diffID promises
 * - `FILE` a local file could not be read or written
 * - `TLS` the server's certificate or protocol was not acceptable
 * - `POLICY` a redirect or token server that it would be unsafe to follow
 * - `RATE_LIMITED` the registry wants us to come back later
 * - `ABORTED` the caller's signal ended the pull
 * - `PIPE_CLOSED` whoever read our output has gone
 */
export type ErrorCode =
  | 'USAGE'
  | 'NOT_FOUND'
  | 'NO_MATCHING_PLATFORM'
  | 'UNSUPPORTED'
  | 'UNAUTHORIZED'
  | 'PROXY_AUTH'
  | 'NETWORK'
  | 'INTEGRITY'
  | 'FILE'
  | 'TLS'
  | 'POLICY'
  | 'RATE_LIMITED'
  | 'ABORTED'
  | 'PIPE_CLOSED'

/** The one error that dray throws on purpose; anything else that surfaces is a bug. */
export class DrayError extends Error {
  override readonly name = 'DrayError'
  /** Which kind of failure; stable. */
  readonly code: ErrorCode
  /** What the user can try, one sentence. */
  readonly hint: string | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

/** True when `error` is a {@link DrayError}, of the given code if one is named. */
export function isDrayError(error: unknown, code?: ErrorCode): error is DrayError {
  return error instanceof DrayError && (code === undefined || error.code === code)
}

/** Node's `code` of a system error (`ENOSPC`, `ECONNRESET`), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

const longestQuote = 200

/** A text from elsewhere in double quotes, fit for a message: cut when long, nothing in it that could steer a terminal. */
export function quote(text: string): string {
  const cut = text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text
  return JSON.stringify(cut).replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter)
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
