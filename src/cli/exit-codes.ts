import { type ErrorCode, isDrayError } from '../errors.ts'

/** What the shell is told for each kind of failure. Scripts branch on these numbers: they are never reassigned. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  USAGE: 2,
  NOT_FOUND: 3,
  NO_MATCHING_PLATFORM: 3,
  UNSUPPORTED: 3,
  UNAUTHORIZED: 4,
  PROXY_AUTH: 4,
  NETWORK: 5,
  INTEGRITY: 6,
  FILE: 7,
  TLS: 8,
  POLICY: 8,
  RATE_LIMITED: 9,
  ABORTED: 130,
  PIPE_CLOSED: 141,
}

/** The exit code for whatever was thrown; 1 means a bug in dray. */
export function exitCodeFor(error: unknown): number {
  return isDrayError(error) ? exitCodes[error.code] : 1
}

/** The table that `--help` ends with. */
export const exitCodesHelp = `Exit codes:
  0  ok                                      6  integrity: digest, size, corrupt data
  1  a bug in dray                           7  local files: disk full, permission
  2  usage                                   8  TLS, or an unsafe redirect
  3  image, tag or platform not found        9  rate limited
  4  authentication or permission          130  SIGINT   129  SIGHUP   143  SIGTERM
  5  network, after retries                141  the reader closed the pipe`
