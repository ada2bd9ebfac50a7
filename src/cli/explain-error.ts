import { isDrayError, systemErrorCode } from '../errors.ts'
import { redactUrlsIn } from '../http/redact.ts'
import { sanitize } from '../http/sanitize.ts'
import { exitCodeFor } from './exit-codes.ts'

/**
 * What happened and where, the cause in plain words, and what to try: a line each. With `debug`, and for a bug, the
 * stack follows. Safe to print: no secrets in URLs, no control characters.
 */
export function explainError(error: unknown, { debug }: { readonly debug: boolean }): string {
  const isBug = !isDrayError(error)
  const lines = [
    isBug ? `dray: this is a bug in dray: ${messageOf(error)}` : `dray: ${error.message}`,
    ...causesOf(error).map((cause) => `  because: ${cause}`),
    ...(debug || isBug ? stackOf(error) : []),
    isBug ? 'try: report it, together with these lines and the command' : error.hint && `try: ${error.hint}`,
  ]
  return `${lines
    .filter((line) => line !== undefined && line !== '')
    .flatMap((line) => String(line).split('\n'))
    .map(printable)
    .join('\n')}\n`
}

/** The same for programs. */
export function describeError(error: unknown, exitCode = exitCodeFor(error)): object {
  const known = isDrayError(error)
  return {
    code: known ? error.code : 'BUG',
    message: printable(messageOf(error)),
    ...(known && error.hint !== undefined && { hint: printable(error.hint) }),
    exitCode,
  }
}

/** The chain of causes, without what has been said: an error of Node's own is what a message above it puts in plain words. */
function causesOf(error: unknown): readonly string[] {
  const causes: string[] = []
  let said = messageOf(error).toLowerCase()
  for (const cause of chain(error)) {
    const message = messageOf(cause)
    const isNodes = !isDrayError(cause) && systemErrorCode(cause) !== undefined
    if (isNodes || said.includes(message.toLowerCase())) continue
    causes.push(message)
    said += ` ${message.toLowerCase()}`
  }
  return causes
}

/** Below an error with several causes (one for each address that was tried) the first stands for all. */
function* chain(error: unknown, depth = 0): Generator<unknown> {
  const cause =
    error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : undefined
  if (cause === undefined || depth === longestChain) return
  yield cause
  yield* chain(cause, depth + 1)
}

const longestChain = 8

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

function stackOf(error: unknown): readonly string[] {
  const stacks = [error, ...chain(error)].map((each) => (each instanceof Error ? each.stack : undefined))
  return stacks.filter((stack) => stack !== undefined)
}

/** A line without secrets in its URLs, and without control characters. */
export function printable(line: string): string {
  return sanitize(redactUrlsIn(line), 4000)
}
