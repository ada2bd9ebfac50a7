import { DrayError, quote } from '../errors.ts'
import { sanitize } from '../http/sanitize.ts'
import type { Credential } from './credential.ts'
import { findProgram, type ProgramPlaces } from './find-program.ts'
import { type Ending, runProgram } from './run-program.ts'

/** Asks the program `docker-credential-<helper>` for the credential that it keeps for a server. */
export type CredentialHelper = (helper: string, serverUrl: string) => Promise<Credential | undefined>

export interface CredentialHelperOptions extends ProgramPlaces {
  /** The environment that helpers run in; what holds our own secrets is left out of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** How long a helper may take, in milliseconds; default 30 seconds. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads from credential helpers, and asks the same thing once: a helper may want a password typed, or hang. Rejects as
 * {@link runCredentialHelper} does, and for an answer that is no credential.
 */
export function credentialHelper(options: CredentialHelperOptions): CredentialHelper {
  const answers = new Map<string, Promise<Credential | undefined>>()
  return (helper, serverUrl) => {
    const key = JSON.stringify([helper, serverUrl])
    const answer = answers.get(key) ?? getCredential(helper, serverUrl, options)
    answers.set(key, answer)
    return answer
  }
}

async function getCredential(
  helper: string,
  serverUrl: string,
  options: CredentialHelperOptions,
): Promise<Credential | undefined> {
  const answer = await runCredentialHelper(helper, 'get', serverUrl, options)
  return answer === undefined ? undefined : decodeAnswer(answer, programName(helper))
}

/**
 * Speaks the protocol of docker-credential-helpers: the action is the argument, the server's URL (for `store` the JSON)
 * goes to stdin, the answer comes on stdout. Undefined when the helper knows no such server. Rejects with UNAUTHORIZED
 * when it is missing, fails, hangs or floods, and with ABORTED.
 */
export async function runCredentialHelper(
  helper: string,
  action: 'get' | 'store' | 'erase',
  input: string,
  options: CredentialHelperOptions,
): Promise<string | undefined> {
  if (!isSafeName(helper)) {
    throw broken(`${quote(helper)} cannot be the name of a credential helper`, 'take it out of the file')
  }
  if (action !== 'store' && hasControlCharacters(input)) {
    throw broken(`${programName(helper)} is not asked for a server with control characters in its name`)
  }
  const program = programName(helper)
  const file = await findProgram(program, options)
  if (file === undefined) throw broken(`${program} is not on the PATH`, missingHint)
  const { timeout = 30_000, signal } = options
  const env = withoutOurSecrets(options.env)
  const ending = await runProgram(file, [action], { input, env, timeout, limit: answerLimit, signal })
  return judge(ending, { program, input, timeout })
}

const answerLimit = 1024 * 1024

/** No path, and nothing that a shell or Windows would read more into. */
function isSafeName(helper: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper) && !helper.includes('..')
}

/** A helper that reads lines would take what follows a line end for an answer of ours, or another question. */
function hasControlCharacters(input: string): boolean {
  return /\p{Cc}/u.test(input)
}

function programName(helper: string): string {
  return `docker-credential-${helper}`
}

/** Helpers need much of the environment (AWS_PROFILE, HTTPS_PROXY, DISPLAY), but nothing of this. */
function withoutOurSecrets(env: CredentialHelperOptions['env']): CredentialHelperOptions['env'] {
  const secret = /^(DRAY_.*|DOCKER_AUTH_CONFIG)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.test(name)))
}

interface Run {
  readonly program: string
  readonly input: string
  readonly timeout: number
}

function judge(ending: Ending, { program, input, timeout }: Run): string | undefined {
  if (ending.how === 'not started') {
    throw broken(`${program} could not be started (${ending.code})`, missingHint)
  }
  if (ending.how === 'too slow') {
    throw broken(
      `${program} gave no answer within ${timeout / 1000} s`,
      'it may be waiting for a keychain to be unlocked: run it by hand, or use -u and --password-stdin',
    )
  }
  if (ending.how === 'too much') throw broken(`${program} answered with more than 1 MiB`, byHandHint)
  if (ending.exitCode === 0) return ending.stdout
  if (isUnknown(ending.stdout)) return undefined
  const said = wordsOf(ending.stdout, input) || wordsOf(ending.stderr, input)
  const status = ending.exitCode === null ? 'was killed' : `failed (exit code ${ending.exitCode})`
  throw broken(`${program} ${status}${said ? `: ${said}` : ' and did not say why'}`, byHandHint)
}

/** Word for word by the protocol; Docker Desktop has its own. */
function isUnknown(stdout: string): boolean {
  const text = stdout.trim()
  return text === 'credentials not found in native keychain' || /^No stored credential for\b/i.test(text)
}

/** What a failing helper said, without what may be a secret in it. */
function wordsOf(text: string, input: string): string {
  const named = /(secret|password|token)(["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|\S+)/gi
  const known = [secretIn(input), secretIn(text)].filter((secret) => secret !== '')
  const open = known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  return sanitize(
    open
      .replace(named, '$1$2***')
      .replace(/[\w+=~-]{40,}/g, '***')
      .trim(),
    300,
  )
}

/** The password in what was to be stored, or in an answer that a helper gave and then failed. */
function secretIn(text: string): string {
  const { Secret } = parseObject(text) ?? {}
  return typeof Secret === 'string' ? Secret : ''
}

/** `<token>` in place of a user name says that the secret is an identity token. */
function decodeAnswer(answer: string, program: string): Credential | undefined {
  const { Username: username, Secret: secret } = parseObject(answer) ?? {}
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw broken(`${program} answered with something that is not a credential in JSON`, byHandHint)
  }
  if (username === '' && secret === '') return undefined
  if (secret === '') {
    throw broken(`${program} knows a user name, but no password for it`, 'log in again')
  }
  return username === '<token>'
    ? { kind: 'identity-token', token: secret }
    : { kind: 'basic', username, password: secret }
}

/** JSON.parse quotes the text around a mistake, which may be a secret: its error goes no further. */
function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const missingHint =
  'install it, or take it out of the file and log in again; -u with --password-stdin needs none'
const byHandHint = 'run it by hand to see why; -u with --password-stdin needs no helper'

function broken(message: string, hint?: string): DrayError {
  return new DrayError('UNAUTHORIZED', message, { hint })
}
