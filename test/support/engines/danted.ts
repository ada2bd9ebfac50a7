import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { inNamespace } from './network-namespaces.ts'
import type { ProxyLogin, ProxyOptions, RunningProxy } from './proxies.ts'
import { mustRun } from './run.ts'

export interface DantedOptions extends ProxyOptions {
  /** Host names that it alone knows. */
  readonly hosts: Readonly<Record<string, string>>
  readonly login: ProxyLogin
  /** The address that its own connections come from. */
  readonly exit: string
  /** The port that its rules forbid to connect to. */
  readonly forbiddenPort: number
}

/**
 * A SOCKS5 proxy of Dante that wants a user name and a password. It looks both up among the users of the machine: it gets
 * a view of its own of the files that list them, and this machine has no user more.
 */
export async function startDanted(options: DantedOptions): Promise<RunningProxy> {
  const { directory, namespace, address } = options
  const log = join(directory, 'danted.log')
  await mkdir(directory)
  const configuration = join(directory, 'danted.conf')
  await writeFile(configuration, rules(options))
  await writeMachineFiles(options)
  const [command, args] = inNamespace(namespace, 'unshare', ['--mount', 'sh', '-c', withOwnFiles, directory])
  const daemon = await startDaemon(command, [...args, configuration], {
    log,
    ready: /Dante\/server.* running/,
  })
  return { ...daemon, host: `${address}:1080`, readLog: () => readFile(log, 'utf8') }
}

/** The files of /etc that it sees in place of this machine's. */
const machineFiles = ['passwd', 'shadow', 'hosts']

const withOwnFiles = `
  for file in ${machineFiles.join(' ')}; do mount --bind "$0/$file" "/etc/$file" || exit; done
  exec danted -f "$1"`

async function writeMachineFiles({ directory, hosts, login }: DantedOptions): Promise<void> {
  const hash = await mustRun('openssl', ['passwd', '-6', login.password])
  const more: Readonly<Record<string, readonly string[]>> = {
    passwd: [`${login.user}:x:65500:65500::/nonexistent:/usr/sbin/nologin`],
    shadow: [`${login.user}:${hash}:20000:0:99999:7:::`],
    hosts: Object.entries(hosts).map(([name, to]) => `${to} ${name}`),
  }
  for (const file of machineFiles) {
    const lines = [await readFile(join('/etc', file), 'utf8'), ...(more[file] ?? []), '']
    await writeFile(join(directory, file), lines.join('\n'), { mode: file === 'shadow' ? 0o600 : 0o644 })
  }
}

function rules({ address, exit, forbiddenPort }: DantedOptions): string {
  const anywhere = 'from: 0.0.0.0/0 to: 0.0.0.0/0'
  return `
logoutput: stdout
internal: ${address} port = 1080
external: ${exit}
socksmethod: username
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {
  ${anywhere}
}
socks block {
  ${anywhere} port = ${forbiddenPort}
}
socks pass {
  ${anywhere}
  log: connect error
}
`
}
