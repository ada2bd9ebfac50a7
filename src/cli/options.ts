import { DrayError } from '../errors.ts'
import type { PullOptions } from '../pull.ts'
import { type Environment, variable } from './environment.ts'
import { numberIn, oneOf } from './flag-values.ts'
import type { Flags } from './flags.ts'
import { readNetworkSettings } from './network-settings.ts'
import type { DisplayOptions, ProgressMode } from './progress/progress.ts'

/** What flags and environment come to: a flag before a variable before the default. */
export interface Options {
  readonly pull: PullOptions
  readonly display: DisplayOptions
  /** The result as JSON on stdout. */
  readonly json: boolean
  /** What the user should know before anything happens. */
  readonly warnings: readonly string[]
}

/**
 * Interprets the flags. `stdoutIsTerminal` decides whether an archive may go there. Throws USAGE, and FILE for a file that a
 * flag names and that cannot be read.
 */
export async function readOptions(
  flags: Flags,
  env: Environment,
  stdoutIsTerminal: boolean,
): Promise<Options> {
  const archive = readArchiveOptions(flags, env)
  const display = readDisplayOptions(flags, env)
  const json = flags.json ?? false
  if (archive.output !== undefined) checkOutput(archive.output, { json, stdoutIsTerminal })
  const { settings, warnings, alarms } = await readNetworkSettings(flags, env)
  return {
    pull: { ...archive, ...settings },
    display,
    json,
    warnings: display.mode === 'none' ? alarms : [...alarms, ...warnings],
  }
}

function readArchiveOptions(flags: Flags, env: Environment): PullOptions {
  return {
    output: flags.output || variable(env, 'DRAY_OUTPUT'),
    platform: flags.platform || variable(env, 'DRAY_PLATFORM', 'DOCKER_DEFAULT_PLATFORM'),
    format: oneOf('--format', flags.format || variable(env, 'DRAY_FORMAT'), ['docker', 'oci']),
    name: flags.name,
    checksum: flags.checksum,
    jobs: numberIn('--jobs', flags.jobs ?? variable(env, 'DRAY_JOBS'), {
      whole: true,
      from: 1,
      to: 64,
    }),
    cache: flags.cache === false ? undefined : flags.cache || variable(env, 'DRAY_CACHE'),
  }
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
