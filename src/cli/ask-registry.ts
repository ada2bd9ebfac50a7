import type { OnEvent } from '../events.ts'
import type { PullOptions } from '../pull.ts'
import type { Endpoint } from '../registry/endpoint.ts'
import type { UserAndPassword } from './read-password.ts'
import { version } from './version.ts'

export interface AskRegistryOptions {
  /** How a pull would reach it. */
  readonly network: PullOptions
  readonly signal: AbortSignal
  readonly onEvent: OnEvent
}

/**
 * Whether a registry takes this login, see `checkLogin`. The network is loaded only now, when everything that costs no
 * network is clear.
 */
export async function askRegistry(
  registry: string,
  { username, password }: UserAndPassword,
  { network, signal, onEvent }: AskRegistryOptions,
): Promise<'accepted' | 'not asked'> {
  const { openNetwork } = await import('../network.ts')
  const { checkLogin } = await import('../registry/check-login.ts')
  const onWarning = (message: string) => onEvent({ type: 'warning', message })
  const { routed, transport, close } = await openNetwork([{ reference: { registry, repository: '' } }], {
    ...network,
    mirrors: [],
    userAgent: `dray/${version}`,
    signal,
    onWarning,
    onNote: (message) => onEvent({ type: 'note', message }),
  })
  try {
    return await checkLogin({
      transport,
      endpoint: await ownEndpoint(
        registry,
        routed.flatMap(({ route }) => route.endpoints),
        network,
      ),
      username,
      password,
      retries: network.retries,
      onRetry: (retry) => onEvent({ type: 'retry', ...retry }),
      onRequest: (request) => onEvent({ type: 'request', ...request }),
      onWarning,
      signal,
    })
  } finally {
    await close()
  }
}

/** A registry whose images this machine gets elsewhere still has its own logins. */
async function ownEndpoint(
  registry: string,
  endpoints: readonly Endpoint[],
  { plainHttp }: PullOptions,
): Promise<Endpoint> {
  const { apiRoot, overHttp } = await import('../registry/endpoint.ts')
  const root = apiRoot(registry)
  const found = endpoints.find((endpoint) => endpoint.registry === registry)
  return found ?? { root: plainHttp ? overHttp(root) : root, registry, repository: '' }
}
