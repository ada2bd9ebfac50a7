import { runCredentialHelper } from '../auth/credential-helper.ts'
import { eraseCredential, type LoginFileOptions, saveCredential } from '../auth/login-file.ts'
import { DrayError } from '../errors.ts'
import type { OnEvent } from '../events.ts'
import { sanitize } from '../http/sanitize.ts'
import type { PullOptions } from '../pull.ts'
import { parseRegistry } from '../registry/parse-registry.ts'
import { askRegistry } from './ask-registry.ts'
import { attend, writeResult } from './attend.ts'
import type { LoginCommand } from './command.ts'
import { loginFile } from './credential-files.ts'
import { helperOptions, storedCredentials } from './credentials.ts'
import type { Environment } from './environment.ts'
import type { Flags } from './flags.ts'
import { type Options, readOptions } from './options.ts'
import { describeEvent } from './progress/describe-event.ts'
import { openDisplay } from './progress/progress.ts'
import { readPassword, type UserAndPassword } from './read-password.ts'
import type { Surroundings } from './surroundings.ts'
import { toJson } from './to-json.ts'

/**
 * Checks a user name and password against a registry and stores them where docker does. Resolves to the exit code; throws
 * USAGE before it begins.
 */
export async function runLogin(command: LoginCommand, surroundings: Surroundings): Promise<number> {
  return run(command, surroundings, login)
}

/** Forgets what {@link runLogin}, or docker, has stored. Not to be logged in is no failure. */
export async function runLogout(command: LoginCommand, surroundings: Surroundings): Promise<number> {
  return run(command, surroundings, logout)
}

interface Context extends LoginFileOptions {
  readonly registry: string
  readonly flags: Flags
  /** Where logins are stored. */
  readonly file: string
  readonly network: PullOptions
  /** What there is to say about that before it is used. */
  readonly warnings: readonly string[]
  readonly surroundings: Surroundings
  readonly signal: AbortSignal
  readonly onEvent: OnEvent
}

/** For people, and for programs. */
interface Outcome {
  readonly line: string
  readonly result: object
}

async function run(
  { registry: text, flags }: LoginCommand,
  surroundings: Surroundings,
  act: (context: Context) => Promise<Outcome>,
): Promise<number> {
  const { env, stdout, stderr } = surroundings
  const registry = parseRegistry(text)
  const options = await readOptions(flags, withoutPull(env), stdout.isTTY === true)
  const display = await openMessages(options, stderr)
  return attend({ options, display, surroundings }, async (signal) => {
    const helper = helperOptions(env, signal)
    const outcome = await act({
      registry,
      flags,
      file: flags.authfile || loginFile(env),
      network: options.pull,
      warnings: options.warnings,
      surroundings,
      signal,
      onEvent: display.onEvent,
      runHelper: (name, action, input) => runCredentialHelper(name, action, input, helper),
    })
    display.stop()
    await writeOutcome(outcome, options, surroundings)
    return 0
  })
}

/** Variables that are about an image or its archive have no say here. */
function withoutPull(env: Environment): Environment {
  const names = /^(DRAY_(OUTPUT|PLATFORM|FORMAT|JOBS|CACHE|MIRROR)|DOCKER_DEFAULT_PLATFORM)$/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)))
}

/** There is no progress to show, but what goes wrong meanwhile. */
async function openMessages({ display }: Options, stderr: Surroundings['stderr']) {
  if (display.mode === 'json') return openDisplay(display, stderr)
  const details = await openDisplay({ ...display, mode: 'none' }, stderr)
  const onEvent: OnEvent = (event) => {
    details.onEvent(event)
    const line = describeEvent(event)
    if (line !== undefined) stderr.write(`${line}\n`)
  }
  return { ...details, onEvent }
}

async function login(context: Context): Promise<Outcome> {
  const { registry, flags, file, warnings, surroundings, onEvent } = context
  const user = checkUser(await readPassword(flags, surroundings))
  const warn = (message: string) => onEvent({ type: 'warning', message })
  for (const warning of warnings) warn(warning)
  const answer = await askRegistry(registry, user, context)
  if (answer === 'not asked') {
    warn(`${registry} asks for no login, and took no notice of this one; it is stored all the same`)
  }
  const place = await saveCredential(file, registry, user, context)
  if (!place.helper) {
    warn(`the password is stored unencrypted in ${file}; "credsStore" there names a helper that encrypts`)
  }
  await warnOfOthers(user, context)
  const { username } = user
  return { line: `logged in to ${registry} as ${username}`, result: { registry, username, ...place } }
}

function checkUser(user: UserAndPassword | undefined): UserAndPassword {
  if (!user) {
    throw new DrayError('USAGE', 'a login needs a user name and a password, and dray does not ask', {
      hint: 'dray login REGISTRY -u USER --password-stdin < password.txt; or set DRAY_USERNAME and DRAY_PASSWORD',
    })
  }
  return user
}

/** A pull looks in several places, and may find another login before this one. */
async function warnOfOthers({ username, password }: UserAndPassword, context: Context): Promise<void> {
  const { registry, flags, surroundings, signal, onEvent } = context
  if (flags.authfile) return
  const source = await storedCredentials(undefined, { env: surroundings.env, onWarning: () => {}, signal })
  const found = await source.find(registry, '').catch(() => undefined)
  if (!found || (found.kind === 'basic' && found.username === username && found.password === password)) return
  const message = `a pull from ${registry} finds another login first, in ${found.from}: log out there`
  onEvent({ type: 'warning', message })
}

async function logout(context: Context): Promise<Outcome> {
  const { registry, file } = context
  const place = await eraseCredential(file, registry, context)
  return place
    ? { line: `logged out of ${registry}`, result: { registry, ...place } }
    : { line: `not logged in to ${registry} (${file})`, result: { registry } }
}

/** On stderr nothing but JSON stands between lines of JSON. */
async function writeOutcome(
  { line, result }: Outcome,
  { json, display: { mode } }: Options,
  { stdout, stderr }: Surroundings,
): Promise<void> {
  if (mode !== 'json') stderr.write(`${sanitize(line)}\n`)
  if (json) await writeResult(stdout, `${toJson(result)}\n`)
}
