import { DrayError } from '../errors.ts'
import { rateLimitError } from '../http/rate-limit.ts'
import type { ServerWords } from '../http/server-words.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Credential } from './credential.ts'
import type { TokenRequest } from './token.ts'

type Asked = Pick<TokenRequest, 'registry' | 'credential' | 'loginProblem'>

/** The error for an answer of a token server that is not a 200. `words` are those of its body. */
export function tokenRefusal(
  response: Pick<HttpResponse, 'status' | 'headers'>,
  words: ServerWords,
  realm: URL,
  { registry, credential, loginProblem }: Asked,
): DrayError {
  const { status } = response
  const who = `${registry}: the token server ${realm.host}`
  const said = wordsOf(words)
  if (status === 429)
    return rateLimitError(who, response, words, { registry, loggedIn: credential !== undefined })
  // RFC 6749 section 5.2 has 400 for a refresh token that is not good any more.
  const isRefused = status === 401 || status === 403 || (status === 400 && credential !== undefined)
  if (!isRefused) {
    return new DrayError('NETWORK', `${who} answered ${status}${said}`, { hint: brokenHint(status, words) })
  }
  const problem = credential ? `refused ${loginName(credential)}` : 'refused, no credentials were sent'
  const hint = credential ? loginHint(credential, words, registry) : anonymousHint(registry, loginProblem)
  return new DrayError('UNAUTHORIZED', `${who} ${problem} (${status})${said}`, { hint })
}

/** What a credential is called when a server does not take it. */
export function loginName(login: Credential | undefined): string {
  return login?.from === undefined ? 'the credentials that were sent' : `the login from ${login.from}`
}

function anonymousHint(registry: string, loginProblem: string | undefined): string {
  if (loginProblem !== undefined) return `check the name; if it is private, ${loginProblem}`
  return `check the name; if it is private, log in: dray login ${registry}, or --username and --password-stdin`
}

/** What to do about a credential that a server does not take. Cloud registries give out passwords for hours, and a stored identity token can be revoked. */
export function loginHint(login: Credential | undefined, words: ServerWords, registry: string): string {
  if (login?.kind === 'basic' && login.username === 'AWS') {
    return `such a login lasts 12 hours: aws ecr get-login-password | dray login ${registry} -u AWS --password-stdin`
  }
  const isOver = login?.kind === 'identity-token' || /\bexpired\b/i.test(words.text)
  return isOver
    ? `the login has expired or was revoked: log in again, dray login ${registry}`
    : `check the user name and the password or token, or log in again (dray login ${registry}): some registries take access tokens only, those of clouds are good for hours`
}

/** The error for a 200 of a token server that holds no token. */
export function noToken(words: ServerWords, realm: URL, { registry }: Asked): DrayError {
  if (!words.isWebPage) {
    const message = `${registry}: the answer of the token server ${realm.host} holds no token`
    return new DrayError('NETWORK', message)
  }
  const title = words.text && ` (title: ${words.text})`
  const message = `${registry}: got a web page${title} instead of a token from ${realm.host}`
  return new DrayError('NETWORK', message, { hint: pageHint })
}

const pageHint = 'a proxy may want you to log in first, or this is not the right host'

function brokenHint(status: number, { isWebPage }: ServerWords): string {
  if (status >= 500) return 'something is wrong there, or at a gateway before it: try again later'
  return isWebPage ? pageHint : 'the registry sends there for tokens: ask those who run it'
}

function wordsOf({ isWebPage, text }: ServerWords): string {
  if (isWebPage) return `, with a web page${text && ` (title: ${text})`}`
  return text && `: ${text}`
}
