import { authenticate } from '../auth/authenticate.ts'
import { parseChallenges } from '../auth/challenge.ts'
import { createTokenCache } from '../auth/token-cache.ts'
import { DrayError, isDrayError } from '../errors.ts'
import { isRefused, notTls } from '../http/network-error.ts'
import { isLoopbackHost } from '../http/origin.ts'
import { followRedirects } from '../http/redirect.ts'
import { type RetryInfo, retry } from '../http/retry.ts'
import { sanitize } from '../http/sanitize.ts'
import { type RequestInfo, trace } from '../http/trace.ts'
import { type HttpResponse, type Transport, wrap } from '../http/transport.ts'
import { type Answer, hostOf, isSigned, quoteWords } from './answer.ts'
import type { Endpoint } from './endpoint.ts'
import { sendHeaders } from './endpoint-requests.ts'
import { interference } from './interference.ts'
import { type Inquiry, responseError, webPageError, wordsOf } from './registry-response.ts'
import { tellOnce } from './tell-once.ts'
import { tellWarnings } from './warning-header.ts'

export interface LoginCheck {
  readonly transport: Transport
  readonly endpoint: Endpoint
  readonly username: string
  readonly password: string
  /** Tries without progress before giving up; default 6. */
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
  const { root, withoutTls, tls } = check.endpoint
  const attempt = openAttempt(check)
  try {
    return await attempt.at(root, root.protocol === 'http:')
  } catch (error) {
    const hasNoTls = notTls(error) || (tls?.insecure === true && isRefused(error))
    // Whoever has asked for a login has spoken TLS: it is the token server that does not.
    if (!withoutTls || attempt.wasAsked() || !hasNoTls) throw error
    return attempt.at(withoutTls, tls?.insecure === true)
  }
}

function openAttempt(check: LoginCheck) {
  const { endpoint, username, password, retries = 6, onRetry, onRequest = () => {}, signal } = check
  const { registry, headers } = endpoint
  const onWarning = tellOnce(check.onWarning ?? (() => {}))
  let asked = false

  const open = (root: URL, inTheOpen: boolean): Transport => {
    const isReadable = root.protocol === 'http:' && !isLoopbackHost(root.hostname)
    const findCredential = async () => {
      asked = true
      if (isReadable) onWarning(`the password for ${registry} goes over plain http, where anyone can read it`)
      return { kind: 'basic', username, password } as const
    }
    return wrap(
      check.transport,
      authenticate({ registry, root, inTheOpen, findCredential, tokens: createTokenCache() }),
      tellWarnings(onWarning),
      followRedirects(),
      retry({ retries, onRetry }),
      trace(onRequest),
      ...(headers && (inTheOpen || !isReadable) ? [sendHeaders(headers, root)] : []),
    )
  }

  return {
    wasAsked: () => asked,
    async at(root: URL, inTheOpen: boolean) {
      const send = open(root, inTheOpen)
      const ping = () => send({ method: 'GET', url: root, purpose: 'ping', signal })
      const response = await ping().catch((error: unknown) => {
        throw isDrayError(error, 'UNAUTHORIZED') ? refusedByTokenServer(error, registry, username) : error
      })
      const inquiry: Inquiry = { registry, root, what: root.pathname, loggedIn: asked, ping }
      if (response.status !== 200) throw await loginError(response, inquiry, asked ? username : undefined)
      const words = await wordsOf(response)
      if (words.isWebPage && !isSigned(response, words)) throw webPageError(response, words, inquiry)
      return asked ? ('accepted' as const) : ('not asked' as const)
    },
  }
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
