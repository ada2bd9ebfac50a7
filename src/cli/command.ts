import { Command, CommanderError, Help } from 'commander'
import { DrayError } from '../errors.ts'
import { exitCodesHelp } from './exit-codes.ts'
import {
  addArchiveFlags,
  addConnectionFlags,
  addCredentialFlags,
  addDownloadFlags,
  addMessageFlags,
  addNetworkFlags,
  addPlatformFlag,
  addProgressFlags,
  type Flags,
} from './flags.ts'

export interface PullCommand {
  readonly kind: 'pull'
  readonly references: readonly string[]
  readonly flags: Flags
}

export interface DoctorCommand {
  readonly kind: 'doctor'
  /** Exactly one. */
  readonly references: readonly string[]
  readonly flags: Flags
}

export interface LoginCommand {
  readonly kind: 'login' | 'logout'
  readonly registry: string
  readonly flags: Flags
}

export interface VerifyCommand {
  readonly kind: 'verify'
  /** Paths; `-` is stdin. */
  readonly archives: readonly string[]
  readonly flags: Flags
}

export type DrayCommand = PullCommand | DoctorCommand | LoginCommand | VerifyCommand

/** Where help is printed. */
export interface HelpStream {
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Reads `process.argv`; undefined when it asked for help or the version, which is printed then. Throws USAGE. */
export function parseCommand(argv: readonly string[], stdout: HelpStream): DrayCommand | undefined {
  let command: DrayCommand | undefined
  const program = createProgram(stdout, (parsed) => {
    command = parsed
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

type OnCommand = (command: DrayCommand) => void

function createProgram(stdout: HelpStream, onCommand: OnCommand): Command {
  const program = new Command('dray')
    .description(
      'Pulls container images without a container engine, and writes the archive that docker load takes. ' +
        'The path of the archive goes to stdout, everything else to stderr.',
    )
    .usage('[pull] [options] <image...>')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns || 100,
    })
    .addHelpText('afterAll', `\n${exitCodesHelp}`)
  const pull = addPull(program, onCommand)
  addVerify(program, onCommand)
  addDoctor(program, onCommand)
  addLogin(program, onCommand)
  addLogout(program, onCommand)
  return program.configureHelp(helpWithOptionsOf(pull, program))
}

function addPull(program: Command, onCommand: OnCommand): Command {
  const pull = program
    .command('pull', { isDefault: true })
    .description('pull images into an archive; the default command')
    .argument(
      '<image...>',
      '[registry[:port]/]path[:tag][@digest], as docker reads it; several make one archive',
    )
    .action((references: string[], flags: Flags) => onCommand({ kind: 'pull', references, flags }))
  addDownloadFlags(addArchiveFlags(pull))
  addCredentialFlags(pull, 'for the registries named in IMAGE only', storedLogins)
  return addMessageFlags(addProgressFlags(addNetworkFlags(pull)))
}

function addVerify(program: Command, onCommand: OnCommand): void {
  const verify = program
    .command('verify')
    .description(
      'check archives without a network: every digest, diffID and size in them, and FILE.sha256 where it is there; ' +
        'says what is in them and which engines load them. Archives of docker, podman, skopeo, crane and others will do',
    )
    .argument('<archive...>', 'a file, also in gzip or zstd; - for stdin')
    .action((archives: string[], flags: Flags) => onCommand({ kind: 'verify', archives, flags }))
  verify.optionsGroup('Messages:').option('-q, --quiet', 'only what is wrong')
  addMessageFlags(verify, 'every layer')
}

function addDoctor(program: Command, onCommand: OnCommand): void {
  const doctor = program
    .command('doctor')
    .description(
      'walk the way that a pull takes (names, proxy, TLS, login, manifest, blobs) and say where it breaks; downloads no layer',
    )
    .argument('<image>', 'what you would pull')
    .action((reference: string, flags: Flags) =>
      onCommand({ kind: 'doctor', references: [reference], flags }),
    )
  addPlatformFlag(doctor.optionsGroup('Image:'))
  addCredentialFlags(doctor, 'for the registry named in IMAGE only', storedLogins)
  addMessageFlags(addNetworkFlags(doctor))
}

function addLogin(program: Command, onCommand: OnCommand): void {
  const login = program
    .command('login')
    .description('check a user name and password against a registry, and store them where docker does')
    .argument('[registry]', 'host[:port]', 'docker.io')
    .action((registry: string, flags: Flags) => onCommand({ kind: 'login', registry, flags }))
  addCredentialFlags(login, 'the user', loginFile)
  addMessageFlags(addConnectionFlags(login))
}

function addLogout(program: Command, onCommand: OnCommand): void {
  const logout = program
    .command('logout')
    .description('forget what is stored for a registry')
    .argument('[registry]', 'host[:port]', 'docker.io')
    .action((registry: string, flags: Flags) => onCommand({ kind: 'logout', registry, flags }))
  addMessageFlags(logout.optionsGroup('Credentials:').option('--authfile <file>', loginFile))
}

const storedLogins =
  'a docker config.json or podman auth.json, read instead of the usual ones ' +
  '(env: DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, DOCKER_CONFIG)'

const loginFile =
  'the file to store it in; default: ~/.docker/config.json (env: REGISTRY_AUTH_FILE, DOCKER_CONFIG)'

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
    if (message.includes("'archive'")) {
      return new DrayError('USAGE', 'no archive was named', { hint: 'dray verify nginx_alpine.tar' })
    }
    return new DrayError('USAGE', 'no image was named', {
      hint: 'dray nginx:alpine; dray --help lists the options',
    })
  }
  const [problem = '', suggestion] = withoutValue(message.replace(/^error: /, '')).split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'dray --help lists the options'
  return new DrayError('USAGE', problem, { hint })
}

/** What is given to an option that we do not know may be a password. */
function withoutValue(message: string): string {
  return message.replace(/(unknown option '(--[^=]*|-[^-])).*'/, "$1'")
}
