import { parseChallenges } from '../auth/challenge.ts'
import type { Credential } from '../auth/credential.ts'
import { createTokenCache } from '../auth/token-cache.ts'
import { DrayError, isDrayError } from '../errors.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RetryInfo, retry } from '../http/retry.ts'
import { sanitize } from '../http/sanitize.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import { type Answer, hostOf, type Inquiry, isSigned, quoteWords, wordsOf } from './answer.ts'
import type { Endpoint } from './endpoint.ts'
import { accessEndpoint, type EndpointAccess, inquiryFor } from './endpoint-access.ts'
import { interference } from './interference.ts'
import { responseError, webPageError } from './registry-response.ts'
import { tellOnce } from './tell-once.ts'
import { tellWarnings } from './warning-header.ts'

export interface LoginCheck {
  readonly transport: Transport
  readonly endpoint: Endpoint
  readonly username: string
  readonly password: string
  /** Tries without progress before giving up; default 2, as somebody waits for the answer. */
  readonly retries?: number | undefined
  readonly onRetry?: ((info: RetryInfo) => void) | undefined
  readonly onRequest?: ((info: RequestInfo) => void) | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Logs in at the root of a registry's API (distribution spec, "Determining Support"), by whatever way the registry asks
 * for. `not asked`: it wanted to know nothing, which proves nothing. Rejects with UNAUTHORIZED when it refuses, NETWORK
 * for a server that is no registry, and with what the network throws.
 */
export async function checkLogin(check: LoginCheck): Promise<'accepted' | 'not asked'> {
  const { username, signal } = check
  const access = openRoot(check)
  const { registry, root, login } = access
  const response = await access.get({ path: '', purpose: 'ping', signal }).catch((error: unknown) => {
    throw isDrayError(error, 'UNAUTHORIZED') ? refusedByTokenServer(error, registry, username) : error
  })
  const asked = login.found() !== undefined
  const inquiry = inquiryFor(access, { what: root.pathname, signal })
  if (response.status !== 200) throw await loginError(response, inquiry, asked ? username : undefined)
  const words = await wordsOf(response)
  if (words.isWebPage && !isSigned(response, words)) throw webPageError(response, words, inquiry)
  return asked ? 'accepted' : 'not asked'
}

/** The registry itself, of no repository, with this login. */
function openRoot(check: LoginCheck): EndpointAccess {
  const { transport, endpoint, username, password, retries = 2, onRetry, onRequest = () => {} } = check
  const onWarning = tellOnce(check.onWarning)
  const interceptors = [
    tellWarnings(onWarning),
    followRedirects(),
    retry({ retries, onRetry }),
    trace(onRequest),
  ]
  let found: Credential | undefined
  const find = async () => {
    found = { kind: 'basic', username, password }
    return found
  }
  return accessEndpoint(
    { ...endpoint, repository: '' },
    {
      transport,
      interceptors,
      pingInterceptors: interceptors,
      name: '',
      login: { find, found: () => found, problem: () => undefined },
      tokens: createTokenCache(),
      speaksTls: new Map(),
      onWarning,
      tries: { retries },
    },
  )
}

function refusedByTokenServer(error: DrayError, registry: string, username: string): DrayError {
  const details = error.message.replace(`${registry}: `, '')
  return new DrayError('UNAUTHORIZED', `${refusal(registry, username)}: ${details}`, {
    hint: refusalHint,
    cause: error.cause,
  })
}

/** `username` is undefined when nobody has asked for it. */
async function loginError(
  response: HttpResponse,
  inquiry: Inquiry,
  username: string | undefined,
): Promise<DrayError> {
  if (response.status !== 401 && response.status !== 403) return responseError(response, inquiry)
  const answer = { response, words: await wordsOf(response), inquiry }
  return interference(answer) ?? (username === undefined ? shut(answer) : refused(answer, username))
}

function refused(answer: Answer, username: string): DrayError {
  const { response, words } = answer
  const message = `${refusal(hostOf(answer), username)} (${response.status})${quoteWords(words)}`
  return new DrayError('UNAUTHORIZED', message, {
    hint: refusalHint,
  })
}

const refusalHint =
  'check the user name and the password: some registries take access tokens only, those of clouds are good for hours'

function refusal(host: string, username: string): string {
  return `${host} refused the login of ${sanitize(username, 200)}`
}

function shut(answer: Answer): DrayError {
  const { response, words } = answer
  const schemes = parseChallenges(response.headers['www-authenticate']).map(({ scheme }) => scheme)
  const wish =
    schemes.length > 0 ? `wants a login by ${sanitize(schemes.join(', '), 100)}` : 'asks for no login'
  return new DrayError(
    'UNAUTHORIZED',
    `${hostOf(answer)} lets nobody in (${response.status})${quoteWords(words)}: it ${wish}, and takes neither a password nor a token`,
    { hint: 'something before the registry may have answered: ask those who run it' },
  )
}
