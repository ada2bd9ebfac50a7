import { DrayError } from '../errors.ts'
import type { ProxySettings } from '../http/proxy.ts'
import type { TlsSettings } from '../http/tls.ts'
import type { PullOptions } from '../pull.ts'
import type { Flags } from './command.ts'
import { type Environment, variable } from './environment.ts'
import type { DisplayOptions, ProgressMode } from './progress/progress.ts'

/** The environment of this process; the only place that reads it. */
export const processEnvironment: Environment = process.env

/** What flags and environment come to: a flag before a variable before the default. */
export interface Options {
  readonly pull: PullOptions
  readonly display: DisplayOptions
  /** The result as JSON on stdout. */
  readonly json: boolean
  /** What the user should know before anything happens. */
  readonly warnings: readonly string[]
}

/** Interprets the flags. `stdoutIsTerminal` decides whether an archive may go there. Throws USAGE. */
export function readOptions(flags: Flags, env: Environment, stdoutIsTerminal: boolean): Options {
  const pull = readPullOptions(flags, env)
  const display = readDisplayOptions(flags, env)
  const json = flags.json ?? false
  if (pull.output !== undefined) checkOutput(pull.output, { json, stdoutIsTerminal })
  const warnings = display.mode === 'none' ? [] : environmentWarnings(flags, env)
  if (flags.insecure)
    warnings.unshift('TLS certificates are not verified (--insecure): anyone on the way can read along')
  return { pull, display, json, warnings }
}

function readPullOptions(flags: Flags, env: Environment): PullOptions {
  const timeout = number('--timeout', flags.timeout, { above: 0, atMost: 86_400 })
  return {
    output: flags.output || variable(env, 'DRAY_OUTPUT'),
    platform: flags.platform || variable(env, 'DRAY_PLATFORM', 'DOCKER_DEFAULT_PLATFORM'),
    format: oneOf('--format', flags.format || variable(env, 'DRAY_FORMAT'), ['docker', 'oci']),
    name: flags.name,
    jobs: number('--jobs', flags.jobs ?? variable(env, 'DRAY_JOBS'), { whole: true, atLeast: 1, atMost: 64 }),
    cache: flags.cache === false ? undefined : flags.cache || variable(env, 'DRAY_CACHE'),
    proxy: readProxy(flags, env),
    tls: readTls(flags, env),
    plainHttp: flags.plainHttp,
    retries: number('--retries', flags.retries, { whole: true, atLeast: 0, atMost: 1000 }),
    timeout: timeout === undefined ? undefined : timeout * 1000,
  }
}

/** Upper case wins over lower case, as in Go. */
function readProxy(flags: Flags, env: Environment): ProxySettings {
  const https = flags.proxy || variable(env, 'HTTPS_PROXY', 'https_proxy')
  const http = flags.proxy || httpProxyVariable(env)
  const none = flags.noProxy ?? variable(env, 'NO_PROXY', 'no_proxy')
  return { ...(https && { https }), ...(http && { http }), ...(none && { none }) }
}

/** In a CGI program HTTP_PROXY comes from a request's `Proxy:` header, and must not be believed. */
function httpProxyVariable(env: Environment): string | undefined {
  return variable(env, 'REQUEST_METHOD') ? undefined : variable(env, 'HTTP_PROXY', 'http_proxy')
}

/** Node trusts NODE_EXTRA_CA_CERTS by itself, but no longer once it is given a list of CAs. */
function readTls({ ca, insecure }: Flags, env: Environment): TlsSettings {
  const extra = variable(env, 'NODE_EXTRA_CA_CERTS')
  return { ...(ca && { caFiles: extra ? [...ca, extra] : ca }), ...(insecure && { insecure }) }
}

function checkOutput(
  output: string,
  { json, stdoutIsTerminal }: { json: boolean; stdoutIsTerminal: boolean },
): void {
  const compressed = /^(?<tar>.*)\.(?<suffix>tar\.gz|tgz|tar\.zst)$/i.exec(output)
  if (compressed) {
    const compressor = compressed.groups?.suffix?.endsWith('zst') ? 'zstd' : 'gzip'
    throw new DrayError('USAGE', `${output}: dray writes archives uncompressed`, {
      hint: `pipe it through a compressor: -o - | ${compressor} > ${output}`,
    })
  }
  if (output !== '-') return
  if (json) {
    throw new DrayError('USAGE', '--json and -o - both want stdout', { hint: 'write the archive to a file' })
  }
  if (stdoutIsTerminal) {
    throw new DrayError('USAGE', 'an archive is not for a terminal to show', {
      hint: 'pipe it on, as in -o - | docker load, or name a file',
    })
  }
}

const progressModes: readonly ProgressMode[] = ['auto', 'tty', 'plain', 'json', 'none']

function readDisplayOptions(flags: Flags, env: Environment): DisplayOptions {
  const wanted =
    oneOf('--progress', flags.progress || variable(env, 'DRAY_PROGRESS'), progressModes) ?? 'auto'
  return {
    mode: flags.quiet ? 'none' : wanted,
    verbose: flags.verbose ?? false,
    debug: flags.debug ?? false,
    colour: readColour(env),
    animate: variable(env, 'CI') === undefined && env.TERM !== 'dumb',
  }
}

/** NO_COLOR, then FORCE_COLOR, then TERM; undefined leaves it to whether there is a terminal. */
function readColour(env: Environment): boolean | undefined {
  if (variable(env, 'NO_COLOR')) return false
  const forced = variable(env, 'FORCE_COLOR')
  if (forced) return !['0', 'false'].includes(forced)
  return env.TERM === 'dumb' ? false : undefined
}

function environmentWarnings(flags: Flags, env: Environment): string[] {
  const warnings: string[] = []
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0' && !flags.insecure) {
    warnings.push(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored, certificates are verified; --insecure turns that off',
    )
  }
  const { https, http } = readProxy(flags, env)
  if (http && !https && !flags.plainHttp) {
    warnings.push(
      'HTTP_PROXY is set and HTTPS_PROXY is not: registries that speak https are reached directly',
    )
  }
  return warnings
}

function oneOf<T extends string>(
  what: string,
  value: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (value === undefined) return undefined
  const choice = choices.find((candidate) => candidate === value)
  if (choice) return choice
  throw new DrayError('USAGE', `${what} cannot be ${JSON.stringify(value)}`, {
    hint: `it is one of ${choices.join(', ')}`,
  })
}

interface Range {
  readonly whole?: boolean
  readonly above?: number
  readonly atLeast?: number
  readonly atMost: number
}

function number(what: string, text: string | undefined, range: Range): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const { whole = false, above = -1, atLeast = 0, atMost } = range
  if (value > above && value >= atLeast && value <= atMost && (!whole || Number.isInteger(value)))
    return value
  const from = range.above === undefined ? `from ${atLeast} to` : `above ${above}, up to`
  throw new DrayError('USAGE', `${what} cannot be ${JSON.stringify(text)}`, {
    hint: `it is a ${whole ? 'whole ' : ''}number ${from} ${atMost}`,
  })
}
