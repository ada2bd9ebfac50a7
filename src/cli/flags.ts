import { type Command, Option } from 'commander'
import { version } from './version.ts'

/** What stands on the command line, not interpreted yet. */
export interface Flags {
  readonly output?: string
  readonly platform?: string
  readonly format?: string
  readonly name?: string
  readonly checksum?: boolean
  readonly jobs?: string
  /** `false` is `--no-cache`. */
  readonly cache?: string | false
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly authfile?: string
  readonly proxy?: string
  readonly noProxy?: string
  readonly mirror?: readonly string[]
  readonly noSystemConfig?: boolean
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
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

/** Where the archive goes, and what is in it. */
export function addArchiveFlags(command: Command): Command {
  return addPlatformFlag(
    command
      .optionsGroup('Archive:')
      .option(
        '-o, --output <path>',
        'a file; a directory, which gets the default name inside; or - for stdout. Default: named after the image, ' +
          'such as nginx_alpine.tar (env: DRAY_OUTPUT)',
      ),
  )
    .option(
      '--format <docker|oci>',
      'docker (default): what docker save writes. oci: an OCI image layout with a manifest.json, blobs as served ' +
        '(env: DRAY_FORMAT)',
    )
    .option('--name <ref>', 'the name and tag stored in the archive, for one image')
    .option('--checksum', 'write FILE.sha256 beside the archive, for sha256sum -c and dray verify')
}

/** For which machine. */
export function addPlatformFlag(command: Command): Command {
  return command.option(
    '--platform <os/arch[/variant]>',
    "default: linux on this machine's architecture (env: DRAY_PLATFORM, DOCKER_DEFAULT_PLATFORM)",
  )
}

/** How much at once, and what is kept. */
export function addDownloadFlags(command: Command): Command {
  return command
    .optionsGroup('Download:')
    .option('-j, --jobs <n>', 'blobs in flight, 1 to 64; default 4 (env: DRAY_JOBS)')
    .option('--cache <dir>', 'keep blobs here for later pulls; off by default (env: DRAY_CACHE)')
    .option('--no-cache', 'keep none, whatever DRAY_CACHE says')
}

/** Who to be; `whose` says at which registries. */
export function addCredentialFlags(command: Command, whose: string, authfile: string): Command {
  return command
    .optionsGroup('Credentials:')
    .option('-u, --username <name>', `${whose}, with --password-stdin (env: DRAY_USERNAME, DRAY_PASSWORD)`)
    .option('--password-stdin', 'read the password from stdin')
    .option('--authfile <file>', authfile)
}

/** How the registry is reached. */
export function addNetworkFlags(command: Command): Command {
  return addConnectionFlags(
    command
      .optionsGroup('Network:')
      .option(
        '--mirror <[host=]url>',
        'ask here first, then the registry itself; the image keeps its name. host defaults to docker.io; repeatable ' +
          '(env: DRAY_MIRROR)',
        collect,
      )
      .addOption(
        notANegation(
          '--no-system-config',
          'leave alone what docker, podman and containerd are set up with: mirrors, insecure registries, certificates',
        ),
      ),
  )
}

/** The part of it that has nothing to do with mirrors. */
export function addConnectionFlags(command: Command): Command {
  return command
    .optionsGroup('Network:')
    .option(
      '--proxy <url>',
      'http://, https://, socks5:// or socks5h://, user:password allowed (env: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, ' +
        "then npm's own)",
    )
    .addOption(
      notANegation(
        '--no-proxy <list>',
        'hosts, .domains and networks to reach directly, separated by commas (env: NO_PROXY)',
      ),
    )
    .option(
      '--ca <file>',
      'trust these CAs too, PEM; repeatable (env: SSL_CERT_FILE, SSL_CERT_DIR, NODE_EXTRA_CA_CERTS, npm_config_cafile)',
      collect,
    )
    .option('--cert <file>', 'a client certificate, PEM, for the registries named here only')
    .option('--key <file>', 'its key, unless it stands in the same file')
    .option('--insecure', 'do not verify TLS certificates')
    .option('--plain-http', 'speak http to the registry')
    .option('--retries <n>', 'tries without progress before giving up; default 6')
    .option(
      '--timeout <seconds>',
      'the longest silence of a server; default 30. The first byte of a blob may take ten times that',
    )
}

/** What is said, and how; `verbose` says what there is more of. */
export function addMessageFlags(
  command: Command,
  verbose = 'a line for each request, secrets left out',
): Command {
  return command
    .optionsGroup('Messages:')
    .option('--json', 'the result, or the error, as one JSON object on stdout')
    .option('-v, --verbose', verbose)
    .option('--debug', 'headers and stack traces too')
    .helpOption('-h, --help', 'print this help')
    .version(version, '--version', 'print the version')
}

/** How progress is shown, where there is some. */
export function addProgressFlags(command: Command): Command {
  return command
    .optionsGroup('Messages:')
    .option('-q, --quiet', 'only errors, and the warning that --insecure gives')
    .option(
      '--progress <mode>',
      'auto; tty; plain: lines for a log; json: one object a line on stderr; none: as --quiet ' +
        '(env: DRAY_PROGRESS, NO_COLOR, FORCE_COLOR)',
    )
}

/** commander takes `--no-x` for the opposite of `--x`; these are options of their own. */
function notANegation(flags: string, description: string): Option {
  const option = new Option(flags, description)
  option.negate = false
  return option
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
