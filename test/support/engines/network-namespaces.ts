import { mustRun } from './run.ts'

export interface ProxiedNetwork {
  /** Names of the three network namespaces. */
  readonly client: string
  readonly proxy: string
  readonly registry: string
  readonly proxyAddress: string
  /** Where the proxy's connections to the registry come from. */
  readonly proxyExit: string
  readonly registryAddress: string
  remove(): Promise<void>
}

/**
 * Three machines in a row: client, proxy, registry. The client shares a wire with the proxy and has no route to
 * anywhere else; the registry shares another one with the proxy. Addresses are those reserved for documentation, and
 * nothing of it is visible in the network of this machine.
 */
export async function createProxiedNetwork(): Promise<ProxiedNetwork> {
  const [client, proxy, registry] = ['client', 'proxy', 'registry'].map(
    (role) => `dray-${process.pid}-${role}`,
  ) as [string, string, string]
  const remove = async () => {
    for (const namespace of [client, proxy, registry]) await ip('netns', 'delete', namespace).catch(() => {})
  }
  try {
    for (const namespace of [client, proxy, registry]) await createNamespace(namespace)
    await connect([client, '192.0.2.2'], [proxy, '192.0.2.1'])
    await connect([registry, '198.51.100.2'], [proxy, '198.51.100.1'])
  } catch (error) {
    await remove()
    throw error
  }
  const addresses = { proxyAddress: '192.0.2.1', proxyExit: '198.51.100.1', registryAddress: '198.51.100.2' }
  return { client, proxy, registry, ...addresses, remove }
}

export interface Island {
  /** Name of the network namespace. */
  readonly namespace: string
  remove(): Promise<void>
}

/** A network that has these addresses and no way out. */
export async function createIsland(addresses: readonly string[]): Promise<Island> {
  const namespace = `dray-${process.pid}-island`
  const remove = async () => void (await ip('netns', 'delete', namespace).catch(() => {}))
  try {
    await createNamespace(namespace)
    for (const address of addresses) await ip('-n', namespace, 'address', 'add', `${address}/32`, 'dev', 'lo')
  } catch (error) {
    await remove()
    throw error
  }
  return { namespace, remove }
}

/** The command line that runs a program in a network namespace, or the program itself where none is named. */
export function inNamespace(
  namespace: string | undefined,
  command: string,
  args: readonly string[],
): readonly [string, readonly string[]] {
  return namespace === undefined ? [command, args] : ['ip', ['netns', 'exec', namespace, command, ...args]]
}

type End = readonly [namespace: string, address: string]

async function createNamespace(namespace: string): Promise<void> {
  await ip('netns', 'add', namespace)
  await ip('-n', namespace, 'link', 'set', 'lo', 'up')
}

// Both ends are named after the left one's role: an interface name has at most 15 characters.
async function connect(left: End, right: End): Promise<void> {
  const wire = left[0].replace(/^.*-/, '')
  await ip('-n', left[0], 'link', 'add', wire, 'type', 'veth', 'peer', 'name', wire, 'netns', right[0])
  for (const [namespace, address] of [left, right]) {
    await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', wire)
    await ip('-n', namespace, 'link', 'set', wire, 'up')
  }
}

function ip(...args: string[]): Promise<string> {
  return mustRun('ip', args)
}
