import { authenticate } from '../auth/authenticate.ts'
import type { Credential, CredentialSource } from '../auth/credential.ts'
import { createTokenCache } from '../auth/token-cache.ts'
import { notTls } from '../http/network-error.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RetryInfo, retry } from '../http/retry.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import { type Transport, wrap } from '../http/transport.ts'
import type { Reference } from '../oci/reference.ts'
import { endpointsFor } from './endpoint.ts'
import { openRepository, type Repository, type RepositoryAccess } from './repository.ts'
import { tellWarnings } from './warning-header.ts'

export interface RegistryClientOptions {
  readonly transport: Transport
  /** Default: anonymous. */
  readonly credentials?: CredentialSource | undefined
  /** Speak http to every registry. */
  readonly plainHttp?: boolean | undefined
  /** Tries without progress before giving up; default 6. */
  readonly retries?: number | undefined
  readonly onRetry?: ((info: RetryInfo) => void) | undefined
  readonly onRequest?: ((info: RequestInfo) => void) | undefined
  /** Told what registries warn of, each text once. */
  readonly onWarning?: ((message: string) => void) | undefined
}

type RepositoryName = Pick<Reference, 'registry' | 'repository'>

/**
 * Opens repositories of any registry. They share the network, the tokens, and what was learned about a registry; each
 * looks for its credential once, when the registry asks for it.
 */
export function createRegistryClient(
  options: RegistryClientOptions,
): (reference: RepositoryName) => Repository {
  const { retries = 6, onRetry, onRequest = () => {}, onWarning = () => {} } = options
  const network = wrap(
    options.transport,
    tellWarnings(onWarning),
    followRedirects(),
    retry({ retries, onRetry }),
    trace(onRequest),
  )
  const shared: Shared = { network, tokens: createTokenCache(), withoutTls: new Set(), options }
  const opened = new Map<string, Repository>()
  return (reference) => {
    const key = `${reference.registry}/${reference.repository}`
    const known = opened.get(key)
    if (known) return known
    const repository = openRepository({ ...access(reference, shared), tries: { retries, onRetry } })
    opened.set(key, repository)
    return repository
  }
}

interface Shared {
  readonly network: Transport
  readonly tokens: ReturnType<typeof createTokenCache>
  /** Loopback registries that turned out to speak plain http. */
  readonly withoutTls: Set<string>
  readonly options: RegistryClientOptions
}

type Get = RepositoryAccess['get']

function access({ registry, repository }: RepositoryName, shared: Shared): Omit<RepositoryAccess, 'tries'> {
  const { plainHttp, credentials } = shared.options
  const { findCredential, isLoggedIn } = askOnce(() => credentials?.find(registry, repository))
  const getters = endpointsFor({ registry }, { plainHttp }).map(({ url: origin }): Get => {
    const { network, tokens } = shared
    const send = wrap(
      network,
      authenticate({ registry, repository, origin, plainHttp, findCredential, tokens }),
    )
    return ({ path, ...request }) =>
      send({ ...request, method: 'GET', url: new URL(`/v2/${repository}/${path}`, origin) })
  })
  const get = getters.reduceRight((fallback, first) =>
    unlessWithoutTls(first, fallback, registry, shared.withoutTls),
  )
  return { registry, name: repository, get, isLoggedIn }
}

/** Asks at most once, and tells whether there was an answer. */
function askOnce(find: () => Promise<Credential | undefined> | undefined) {
  let answer: Promise<Credential | undefined> | undefined
  let isLoggedIn = false
  const ask = async () => {
    const credential = await find()
    isLoggedIn = credential !== undefined
    return credential
  }
  return {
    findCredential: () => {
      answer ??= ask()
      return answer
    },
    isLoggedIn: () => isLoggedIn,
  }
}

/** Turns to `fallback` for good once the registry has shown that it speaks no TLS. */
function unlessWithoutTls(get: Get, fallback: Get, registry: string, withoutTls: Set<string>): Get {
  return async (request) => {
    if (withoutTls.has(registry)) return fallback(request)
    try {
      return await get(request)
    } catch (error) {
      if (!notTls(error)) throw error
      withoutTls.add(registry)
      return fallback(request)
    }
  }
}
