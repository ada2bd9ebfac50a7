import { DrayError } from '../errors.ts'
import { readBody } from '../http/read-body.ts'
import { sanitize } from '../http/sanitize.ts'
import { type ServerWords, serverWords } from '../http/server-words.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import { isAtRegistry } from './endpoint.ts'

/** What a request was about, for the words of an error. */
export interface Inquiry {
  readonly registry: string
  /** `library/nginx:latest`, `blob 0123456789ab of library/nginx`. */
  readonly what: string
  /** Credentials for the registry were at hand. */
  readonly loggedIn: boolean
}

/**
 * The error that an answer without the wanted content amounts to, with the registry's own words (distribution spec,
 * "Error Codes"). Consumes the body.
 */
export async function responseError(response: HttpResponse, inquiry: Inquiry): Promise<DrayError> {
  const words = await wordsOf(response)
  if (isFromProxy(response, words)) return proxyError(response, words, inquiry)
  const { status } = response
  if (status === 404) return notFound(response, words, inquiry)
  if (status === 401 || status === 403) return unauthorized(response, words, inquiry)
  if (status === 429) return rateLimited(response, words, inquiry)
  const message = `${host(response, inquiry)} answered ${status} when asked for ${inquiry.what}${quote(words)}`
  return new DrayError('NETWORK', message, words.isWebPage ? { hint: notARegistry } : {})
}

/** The error that a web page in place of content amounts to: a login page, as a rule. */
export function webPageError(response: HttpResponse, words: ServerWords, inquiry: Inquiry): DrayError {
  const title = words.text && ` (title: ${words.text})`
  const message = `got a web page${title} instead of registry data from ${host(response, inquiry)} when asked for ${inquiry.what}`
  return new DrayError('NETWORK', message, {
    hint: 'a proxy may want you to log in first, or this is the wrong host',
  })
}

const errorBodyLimit = 64 * 1024
const notARegistry =
  'a web page came back: this is not a registry, or something on the way answered in its place'

/** The words of a body, as far as it came. */
export async function wordsOf(response: HttpResponse): Promise<ServerWords> {
  const read = await readBody(response.body, errorBodyLimit).catch(() => undefined)
  return serverWords(read?.bytes ?? new Uint8Array(), headerOf(response, 'content-type'))
}

/** The registry's name, or the host that it sent us to. */
function host({ url }: HttpResponse, { registry }: Inquiry): string {
  return isAtRegistry(url, registry) ? registry : `${url.host} (for ${registry})`
}

function quote({ codes, text, isWebPage }: ServerWords): string {
  if (isWebPage) return `, with a web page${text && ` (title: ${text})`}`
  const words = [codes.join(', '), text].filter(Boolean).join(': ')
  return words && ` (${words})`
}

/** Via alone proves nothing, since CDNs send it too. */
function isFromProxy(response: HttpResponse, words: ServerWords): boolean {
  if (response.status === 407) return true
  if (headerOf(response, 'docker-distribution-api-version') !== undefined) return false
  return (
    headerOf(response, 'x-squid-error') !== undefined ||
    /^(squid|tinyproxy)\b/i.test(headerOf(response, 'server') ?? '') ||
    (words.isWebPage && headerOf(response, 'via') !== undefined)
  )
}

function proxyError({ status }: HttpResponse, words: ServerWords, { registry, what }: Inquiry): DrayError {
  const message = `the proxy answered ${status} when ${registry} was asked for ${what}${quote(words)}`
  return status === 407
    ? new DrayError('PROXY_AUTH', message, {
        hint: 'put the user name and password into the URL of the proxy',
      })
    : new DrayError('NETWORK', message, {
        hint: 'the proxy may not reach the registry, or not be allowed to',
      })
}

function notFound(response: HttpResponse, words: ServerWords, inquiry: Inquiry): DrayError {
  const hint = words.isWebPage
    ? notARegistry
    : inquiry.loggedIn
      ? 'check the name and the tag'
      : 'check the name and the tag; some registries hide private images from those who are not logged in'
  return new DrayError('NOT_FOUND', `${host(response, inquiry)} has no ${inquiry.what}${quote(words)}`, {
    hint,
  })
}

/** Registries answer for a missing repository as they do for a private one, so that nobody learns which it is. */
function unauthorized(response: HttpResponse, words: ServerWords, inquiry: Inquiry): DrayError {
  const reason = inquiry.loggedIn ? 'not found, or no access' : 'not found, or it needs a login'
  const message = `${host(response, inquiry)} refused ${inquiry.what}: ${reason}${quote(words)}`
  const hint = inquiry.loggedIn
    ? 'check the name, and what this account may read'
    : 'check the name; for a private image log in, or use --username and --password-stdin'
  return new DrayError('UNAUTHORIZED', message, { hint })
}

function rateLimited(response: HttpResponse, words: ServerWords, inquiry: Inquiry): DrayError {
  const message = `${host(response, inquiry)} limits how much may be pulled (429)${quote(words)}${limits(response)}`
  const later = `come back ${retryAfter(response)}`
  return new DrayError('RATE_LIMITED', message, {
    hint: inquiry.loggedIn ? later : `${later}, or log in, which raises the limit of many registries`,
  })
}

/** Docker Hub says `ratelimit-limit: 100;w=21600`, with the window in seconds. */
function limits(response: HttpResponse): string {
  const limit = /^(\d{1,9})(?:;w=(\d{1,9}))?/.exec(headerOf(response, 'ratelimit-limit') ?? '')
  if (!limit) return ''
  const window = limit[2] === undefined ? '' : ` in ${Math.round(Number(limit[2]) / 360) / 10} h`
  const left = /^\d{1,9}/.exec(headerOf(response, 'ratelimit-remaining') ?? '')
  return `; the limit is ${limit[1]}${window}${left ? `, ${left[0]} left` : ''}`
}

function retryAfter(response: HttpResponse): string {
  const value = sanitize(headerOf(response, 'retry-after') ?? '', 40)
  if (!value) return 'later'
  return /^\d+$/.test(value) ? `in ${value} seconds` : `after ${value}`
}
