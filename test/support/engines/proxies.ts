import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { inNamespace } from './network-namespaces.ts'

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

/** An open squid that knows host names of its own. */
export async function startSquid(
  { directory, namespace, address }: ProxyOptions,
  hosts: Readonly<Record<string, string>>,
): Promise<RunningProxy> {
  const host = `${address}:3128`
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
    `http_port ${host}`,
    'http_access allow all',
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
    ready: /Accepting HTTP Socket connections/,
  })
  return { ...daemon, host, readLog: () => readFile(log, 'utf8') }
}

/** A tinyproxy that wants a user name and a password. */
export async function startTinyproxy(
  { directory, namespace, address }: ProxyOptions,
  { user, password }: { readonly user: string; readonly password: string },
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

async function write(directory: string, name: string, lines: readonly string[]): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}
