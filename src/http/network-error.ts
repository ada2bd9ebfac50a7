import { DrayError, isDrayError, systemErrorCode } from '../errors.ts'
import { connectionFailures } from './connection-failures.ts'
import { codeOf, type Failure, messageOf, type RetryClass, type Where } from './failures.ts'
import { notTlsCodes, tlsFailures } from './tls-failures.ts'

export type { RetryClass, Where } from './failures.ts'

/**
 * Says in plain words what went wrong between us and a server: NETWORK, TLS or ABORTED, with a hint that fits the cause.
 * A DrayError, or what wraps one, is passed on as it is. The original error is kept as the cause.
 */
export function toNetworkError(error: unknown, where: Where): DrayError {
  const root = rootCause(error)
  if (root instanceof DrayError) return root
  const { code, words, hint } = failureOf(root)
  return new DrayError(code, words(peerName(where), root, where), { hint: hint?.(where, root), cause: root })
}

/** What to throw when a signal has ended something: its reason when that is a DrayError, otherwise ABORTED. */
export function abortError(signal: AbortSignal): DrayError {
  const { reason } = signal
  return isDrayError(reason) ? reason : new DrayError('ABORTED', 'the pull was cancelled', { cause: reason })
}

/** Whether trying again can help; for a DrayError the cause decides. */
export function retryClass(error: unknown): RetryClass {
  if (isDrayError(error) && error.code !== 'NETWORK' && error.code !== 'TLS') return 'never'
  const root = isDrayError(error) ? rootCause(error.cause) : rootCause(error)
  if (root instanceof DrayError) return retryClass(root)
  return failureOf(root).retry
}

/** True when nothing listens there: that changes soon or not at all. */
export function isRefused(error: unknown): boolean {
  return codeOf(originalError(error)) === 'ECONNREFUSED'
}

/** True when a TLS handshake failed because the other side does not speak TLS. */
export function notTls(error: unknown): boolean {
  return notTlsCodes.test(codeOf(originalError(error)))
}

/** The row of the tables that describes an error. */
function failureOf(error: unknown): Failure {
  const code = codeOf(error)
  const describes = ({ codes, applies }: Failure) => codes.test(code) && (applies?.(error) ?? true)
  return [...tlsFailures, ...connectionFailures].find(describes) ?? unknownFailure
}

const unknownFailure: Failure = {
  codes: /^/,
  code: 'NETWORK',
  retry: 'never',
  words: (peer, error) => `the request to ${peer} failed: ${messageOf(error)}`,
}

/** Unwraps errors that only say that another one happened, until there is one to judge by. */
function rootCause(error: unknown): unknown {
  const isWrapper =
    error instanceof Error && error.cause !== undefined && systemErrorCode(error) === undefined
  return isWrapper ? rootCause(error.cause) : error
}

/** The same, through DrayErrors too. */
function originalError(error: unknown): unknown {
  const root = rootCause(error)
  return root instanceof DrayError && root.cause !== undefined ? originalError(root.cause) : root
}

const peerWords = {
  manifest: 'the registry',
  ping: 'the registry',
  token: 'the token server',
  blob: 'the server', // a registry's own, or one that it redirects to
  proxy: 'the proxy',
} as const

function peerName({ url, purpose, via }: Where): string {
  return `${peerWords[purpose]} ${url.host}${via ? ` (through the proxy ${via.host})` : ''}`
}
