import { DrayError } from '../errors.ts'
import { codedError } from './failures.ts'
import type { ProxyServer } from './proxy.ts'
import { redactUrl } from './redact.ts'
import { sanitize } from './sanitize.ts'
import type { HttpRequest } from './transport.ts'

/** The part of a proxy's answer that says something about it. */
export interface ProxyAnswer {
  readonly statusMessage?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/**
 * What a proxy's answer means that is not the one asked for: PROXY_AUTH when it wants (other) credentials, otherwise
 * NETWORK, which is worth another try where the status says so.
 */
export function proxyRefusal(
  proxy: ProxyServer,
  target: string,
  status: number,
  answer: ProxyAnswer,
): DrayError {
  // tinyproxy says 401 for a wrong password.
  if (status === 407 || status === 401) return wantsCredentials(proxy, status, answer)
  if (status >= 300 && status < 400) return loginPage(proxy, status, answer)
  const failed = status >= 500 ? 'was not able' : 'refused'
  return new DrayError(
    'NETWORK',
    `the proxy ${proxy.url.host} ${failed} to connect to ${target}: it answered ${said(status, answer)}`,
    { hint: hintFor(status), cause: statusError(status, answer) },
  )
}

/** A page that was sent in place of what was asked for, or a redirect to one: NETWORK, not worth another try. */
export function loginPage({ url }: ProxyServer, status: number, answer: ProxyAnswer): DrayError {
  const location = first(answer.headers.location)
  const what = location
    ? `sends us to ${sanitize(redactUrl(location), 200)} (${said(status, answer)})`
    : `answered with a web page (${said(status, answer)})`
  return new DrayError('NETWORK', `the proxy ${url.host} ${what}, which looks like a login page`, {
    hint: 'open any web page in a browser that uses this proxy, log in there, and try again',
    cause: codedError('PROXY_LOGIN_PAGE', said(status, answer)),
  })
}

/**
 * What an answer to a request in absolute form means when it is the proxy's own and not the origin's; undefined when it may
 * be the origin's.
 */
export function forwarderRefusal(
  proxy: ProxyServer,
  { url, purpose }: HttpRequest,
  status: number,
  answer: ProxyAnswer,
): DrayError | undefined {
  const { headers } = answer
  const asks = headers['proxy-authenticate'] !== undefined && headers['www-authenticate'] === undefined
  if (status === 407 || (status === 401 && asks)) return wantsCredentials(proxy, status, answer)
  if (status >= 400 && isOwnPage(headers)) return proxyRefusal(proxy, url.host, status, answer)
  const isPage = /^text\/html\b/i.test(first(headers['content-type']) ?? '')
  return status === 200 && isPage && purpose !== 'blob' ? loginPage(proxy, status, answer) : undefined
}

/** squid and tinyproxy sign their own pages, and only those. */
function isOwnPage(headers: ProxyAnswer['headers']): boolean {
  return 'x-squid-error' in headers || /^(squid|tinyproxy)\b/i.test(first(headers.server) ?? '')
}

function wantsCredentials(proxy: ProxyServer, status: number, answer: ProxyAnswer): DrayError {
  const wish = proxy.authorization ? 'does not accept these credentials' : 'wants a user name and password'
  const offered = offeredSchemes(answer.headers['proxy-authenticate'])
  const offer = offered.length > 0 ? `; it offers ${sanitize(offered.join(', '), 100)}` : ''
  return new DrayError(
    'PROXY_AUTH',
    `the proxy ${proxy.url.host} ${wish} (${said(status, answer)})${offer}`,
    {
      hint: loginHint(proxy, offered),
      cause: statusError(status, answer),
    },
  )
}

function loginHint({ from, authorization }: ProxyServer, offered: readonly string[]): string {
  const takesBasic = offered.length === 0 || offered.some((scheme) => scheme.toLowerCase() === 'basic')
  if (!takesBasic) {
    return 'of these dray speaks none, only Basic: run a local helper proxy that logs in to this one (cntlm, px), and name the helper as the proxy'
  }
  const setting = from ?? 'the proxy setting'
  return authorization
    ? `check user name and password in ${setting}; in a password, characters such as @ : / # % are percent-encoded`
    : `put them into ${setting}: http://<user>:<password>@<host>:<port>`
}

/** The schemes of challenges (RFC 9110 section 11.6.1), each once. */
function offeredSchemes(header: string | readonly string[] | undefined): readonly string[] {
  const challenges = [header ?? []]
    .flat()
    .join(', ')
    .replace(/"(\\.|[^"\\])*"?/g, '""')
  return [...new Set(challenges.split(',').flatMap(schemeOf))]
}

/** The scheme that a part of a header begins with; none where it goes on with a parameter of the challenge before. */
function schemeOf(part: string): readonly string[] {
  const [scheme = ''] = /^[A-Za-z][\w-]*/.exec(part.trim()) ?? []
  const rest = part.trim().slice(scheme.length)
  const isParameter = rest !== '' && (rest === rest.trimStart() || rest.trimStart().startsWith('='))
  return scheme === '' || isParameter ? [] : [scheme]
}

/** squid names the cause in a header: `ERR_DNS_FAIL 0`. */
function said(status: number, { statusMessage = '', headers }: ProxyAnswer): string {
  const [reason] = (first(headers['x-squid-error']) ?? '').split(' ')
  return sanitize(`${status} ${statusMessage}`.trim() + (reason ? `, ${reason}` : ''), 200)
}

function statusError(status: number, answer: ProxyAnswer): Error {
  return codedError(`HTTP_${status}`, said(status, answer))
}

function first(header: string | readonly string[] | undefined): string | undefined {
  return [header ?? []].flat()[0]
}

function hintFor(status: number): string {
  if (status >= 500)
    return 'the proxy could not reach the host; check its spelling, and that the proxy may go there'
  return 'its rules forbid this host or port; ask for them to be opened, or name the host in NO_PROXY if it can be reached directly'
}
