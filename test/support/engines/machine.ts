import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DrayOptions } from './dray.ts'
import { inNamespace } from './network-namespaces.ts'

export interface MachineOptions {
  /** Where its files are kept. */
  readonly directory: string
  /** The network that it is in. */
  readonly namespace: string
  /** The host names that it knows, and their addresses. */
  readonly hosts: Readonly<Record<string, string>>
  /** What is in its files, by their paths; `~/` is the user's home. */
  readonly files: Readonly<Record<string, string>>
}

/** Where dray runs there. */
export type Machine = Required<Pick<DrayOptions, 'env' | 'within'>>

/**
 * A machine as a user may have set it up, to run dray on: it sees no other configuration of container tools than these
 * files. Nothing of it is visible on this machine.
 */
export async function setUpMachine(options: MachineOptions): Promise<Machine> {
  const { namespace, hosts, files } = options
  const root = await mkdtemp(join(options.directory, 'machine-'))
  const home = join(root, 'home')
  for (const directory of [...ownDirectories, home]) await mkdir(join(root, directory), { recursive: true })
  const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`)
  await writeFile(join(root, 'hosts'), names.join(''))
  for (const [path, text] of Object.entries(files)) {
    const file = path.startsWith('~/') ? join(home, path.slice(2)) : join(root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  const within = (command: string, args: readonly string[]) =>
    inNamespace(namespace, 'unshare', ['--mount', 'sh', '-c', withOwnFiles, root, command, ...args])
  return { env: { HOME: home }, within }
}

const ownDirectories = ['etc/containers', 'etc/containerd', 'etc/docker', 'var/cache']

const withOwnFiles = `
  mount --bind "$0/hosts" /etc/hosts || exit
  for directory in ${ownDirectories.join(' ')}; do mount --bind "$0/$directory" "/$directory" || exit; done
  exec "$@"`
