import { Command, CommanderError, Help, Option } from 'commander'
import { DrayError } from '../errors.ts'
import { exitCodesHelp } from './exit-codes.ts'
import { version } from './version.ts'

/** What stands on the command line, not interpreted yet. */
export interface Flags {
  readonly output?: string
  readonly platform?: string
  readonly format?: string
  readonly name?: string
  readonly jobs?: string
  /** `false` is `--no-cache`. */
  readonly cache?: string | false
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly authfile?: string
  readonly proxy?: string
  readonly noProxy?: string
  readonly ca?: readonly string[]
  readonly insecure?: boolean
  readonly plainHttp?: boolean
  readonly retries?: string
  readonly timeout?: string
  readonly quiet?: boolean
  readonly progress?: string
  readonly json?: boolean
  readonly verbose?: boolean
  readonly debug?: boolean
}

export interface PullCommand {
  readonly references: readonly string[]
  readonly flags: Flags
}

/** Where help is printed. */
export interface HelpStream {
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Reads `process.argv`; undefined when it asked for help or the version, which is printed then. Throws USAGE. */
export function parseCommand(argv: readonly string[], stdout: HelpStream): PullCommand | undefined {
  let command: PullCommand | undefined
  const program = createProgram(stdout, (references, flags) => {
    command = { references, flags }
  })
  try {
    program.parse(argv)
    return command
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw usageError(error)
  }
}

/** What `dray` alone answers. */
export const shortHelp = `Usage: dray [options] <image...>

Pulls a container image without a container engine, and writes the archive that docker load takes.

  dray nginx:alpine                       writes nginx_alpine.tar
  dray nginx:alpine -o - | docker load
  dray --help                             every option
`

function createProgram(stdout: HelpStream, onPull: (references: string[], flags: Flags) => void): Command {
  const program = new Command('dray')
    .description(
      'Pulls container images without a container engine, and writes the archive that docker load takes. ' +
        'The path of the archive goes to stdout, everything else to stderr.',
    )
    .usage('[pull] [options] <image...>')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns || 100,
    })
    .addHelpText('afterAll', `\n${exitCodesHelp}`)
  const pull = addPull(program).action(onPull)
  return program.configureHelp(helpWithOptionsOf(pull, program))
}

function addPull(program: Command): Command {
  return program
    .command('pull', { isDefault: true })
    .description('pull images into an archive; the default command')
    .argument(
      '<image...>',
      '[registry[:port]/]path[:tag][@digest], as docker reads it; several make one archive',
    )

    .optionsGroup('Archive:')
    .option(
      '-o, --output <path>',
      'a file; a directory, which gets the default name inside; or - for stdout. Default: named after the image, ' +
        'such as nginx_alpine.tar (env: DRAY_OUTPUT)',
    )
    .option(
      '--platform <os/arch[/variant]>',
      "default: linux on this machine's architecture (env: DRAY_PLATFORM, DOCKER_DEFAULT_PLATFORM)",
    )
    .option(
      '--format <docker|oci>',
      'docker (default): what docker save writes. oci: an OCI image layout with a manifest.json, blobs as served ' +
        '(env: DRAY_FORMAT)',
    )
    .option('--name <ref>', 'the name and tag stored in the archive, for one image')

    .optionsGroup('Download:')
    .option('-j, --jobs <n>', 'blobs in flight, 1 to 64; default 4 (env: DRAY_JOBS)')
    .option('--cache <dir>', 'keep blobs here for later pulls; off by default (env: DRAY_CACHE)')
    .option('--no-cache', 'keep none, whatever DRAY_CACHE says')
    .option('--retries <n>', 'tries without progress before giving up; default 6')
    .option('--timeout <seconds>', 'the longest silence of a server; default 30')

    .optionsGroup('Credentials:')
    .option(
      '-u, --username <name>',
      'for the registries named in IMAGE only, with --password-stdin (env: DRAY_USERNAME, DRAY_PASSWORD)',
    )
    .option('--password-stdin', 'read the password from stdin')
    .option(
      '--authfile <file>',
      'a docker config.json or podman auth.json, read instead of the usual ones ' +
        '(env: DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, DOCKER_CONFIG)',
    )

    .optionsGroup('Network:')
    .option('--proxy <url>', 'http:// or https://, user:password allowed (env: HTTPS_PROXY, HTTP_PROXY)')
    .addOption(noProxyOption())
    .option('--ca <file>', 'trust these CAs too, PEM; repeatable (env: NODE_EXTRA_CA_CERTS)', collect)
    .option('--insecure', 'do not verify TLS certificates')
    .option('--plain-http', 'speak http to the registry')

    .optionsGroup('Messages:')
    .option('-q, --quiet', 'only errors, and the warning that --insecure gives')
    .option(
      '--progress <mode>',
      'auto; tty; plain: lines for a log; json: one object a line on stderr; none: as --quiet ' +
        '(env: DRAY_PROGRESS, NO_COLOR, FORCE_COLOR)',
    )
    .option('--json', 'the result, or the error, as one JSON object on stdout')
    .option('-v, --verbose', 'a line for each request, secrets left out')
    .option('--debug', 'headers and stack traces too')
    .helpOption('-h, --help', 'print this help')
    .version(version, '--version', 'print the version')
}

/** commander reads `--no-x` as the negation of `--x`; this one is an option of its own and takes a value. */
function noProxyOption(): Option {
  const option = new Option(
    '--no-proxy <list>',
    'hosts, .domains and networks to reach directly, separated by commas (env: NO_PROXY)',
  )
  option.negate = false
  return option
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

/** Lets `dray --help` list what `dray pull --help` does, as the command is the default. */
function helpWithOptionsOf(pull: Command, program: Command): Partial<Help> {
  const standard = new Help()
  return {
    visibleArguments: (command) => standard.visibleArguments(command === program ? pull : command),
    visibleOptions: (command) => standard.visibleOptions(command === program ? pull : command),
  }
}

function usageError({ code, message }: CommanderError): DrayError {
  if (code === 'commander.missingArgument') {
    return new DrayError('USAGE', 'no image was named', {
      hint: 'dray nginx:alpine; dray --help lists the options',
    })
  }
  const [problem = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'dray --help lists the options'
  return new DrayError('USAGE', problem, { hint })
}
