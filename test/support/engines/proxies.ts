import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from './certificate-authority.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { inNamespace } from './network-namespaces.ts'
import { mustRun } from './run.ts'

export interface ProxyOptions {
  /** A new directory for configuration and logs. */
  readonly directory: string
  readonly namespace: string
  readonly address: string
}

export interface RunningProxy extends Daemon {
  /** `host:port` */
  readonly host: string
  readLog(): Promise<string>
}

export interface ProxyLogin {
  readonly user: string
  readonly password: string
}

export interface SquidOptions extends ProxyOptions {
  readonly port: number
  /** Host names that it alone knows. */
  readonly hosts: Readonly<Record<string, string>>
  /** Default: open to everybody. */
  readonly login?: ProxyLogin
  /** To be spoken to by TLS. */
  readonly certificate?: Certificate
}

/** A squid that tunnels to any port. */
export async function startSquid(options: SquidOptions): Promise<RunningProxy> {
  const { directory, namespace, address, port, hosts, login, certificate } = options
  const host = `${address}:${port}`
  const log = join(directory, 'access.log')
  const cacheLog = join(directory, 'cache.log')
  const hostsFile = join(directory, 'hosts')
  await mkdir(directory)
  // Squid gives up root before it opens its logs.
  await chmod(directory, 0o777)
  await writeFile(
    hostsFile,
    Object.entries(hosts).map(([name, to]) => `${to} ${name}\n`),
  )
  const configuration = await write(directory, 'squid.conf', [
    certificate
      ? `https_port ${host} tls-cert=${certificate.certificate} tls-key=${certificate.key}`
      : `http_port ${host}`,
    ...(login ? await basicAuthentication(directory, login) : ['http_access allow all']),
    'cache deny all',
    `hosts_file ${hostsFile}`,
    `access_log stdio:${log}`,
    `cache_log ${cacheLog}`,
    `coredump_dir ${directory}`,
    'pid_filename none',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
  ])
  const [command, args] = inNamespace(namespace, 'squid', ['-N', '-f', configuration])
  const daemon = await startDaemon(command, args, {
    log: join(directory, 'output.log'),
    readyIn: cacheLog,
    ready: /Accepting HTTPS? Socket connections/,
  })
  return { ...daemon, host, readLog: () => readFile(log, 'utf8') }
}

async function basicAuthentication(
  directory: string,
  { user, password }: ProxyLogin,
): Promise<readonly string[]> {
  const file = join(directory, 'passwords')
  await mustRun('htpasswd', ['-c', '-b', '-m', file, user, password])
  return [
    `auth_param basic program ${squidHelper} ${file}`,
    'auth_param basic children 1',
    'acl known proxy_auth REQUIRED',
    'http_access allow known',
    'http_access deny all',
  ]
}

/** A tinyproxy that wants a user name and a password. */
export async function startTinyproxy(
  { directory, namespace, address }: ProxyOptions,
  { user, password }: ProxyLogin,
): Promise<RunningProxy> {
  const log = join(directory, 'tinyproxy.log')
  await mkdir(directory)
  const configuration = await write(directory, 'tinyproxy.conf', [
    'Port 8888',
    `Listen ${address}`,
    'Timeout 60',
    `LogFile "${log}"`,
    'LogLevel Info',
    `BasicAuth ${user} ${password}`,
  ])
  const [command, args] = inNamespace(namespace, 'tinyproxy', ['-d', '-c', configuration])
  const daemon = await startDaemon(command, args, {
    log: join(directory, 'output.log'),
    readyIn: log,
    ready: /Accepting connections/,
  })
  return { ...daemon, host: `${address}:8888`, readLog: () => readFile(log, 'utf8') }
}

/** Where Debian puts it. */
const squidHelper = '/usr/lib/squid/basic_ncsa_auth'

async function write(directory: string, name: string, lines: readonly string[]): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}
