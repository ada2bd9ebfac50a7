import { sanitize } from './sanitize.ts'
import { hideSecrets } from './secrets.ts'

/** Query parameters of the registry and token protocols that hold no secret; all others may (signed URLs do). */
const openParameters: ReadonlySet<string> = new Set(['ns', 'service', 'scope', 'n', 'last'])

const secretHeaders =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-registry-.*|.*(token|secret|api-?key).*)$/

const urlHeaders: ReadonlySet<string> = new Set(['location', 'content-location', 'referer'])

/** A single quote ends one, unless it is in a password. No scheme is longer; were it not bounded, a text could take seconds. */
const addresses = /[a-z][a-z0-9+.-]{0,30}:\/\/(?:[^\s"<>/]*@)?[^\s"'<>]+/gi

/** A text with URLs in it that may be printed. */
export function redactUrlsIn(text: string): string {
  return text.replace(addresses, redactUrl)
}

/** A URL, relative or not, that may be printed: no user, no password, no fragment, `***` for values that may be secret. */
export function redactUrl(url: URL | string): string {
  const [withoutFragment = ''] = String(url).split('#')
  const [address = '', ...query] = withoutFragment.split('?')
  const parameters = query.join('?').split('&').map(redactParameter).join('&')
  return sanitize(withoutUserinfo(address) + (query.length > 0 ? `?${parameters}` : ''))
}

/** Behind a scheme, browsers and Node take any number of slashes, and tabs among them, for two. */
function withoutUserinfo(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:[/\\\t]*(?![/\\\t])|[/\\]{2,})[^/\\]*@/i, '$1')
}

function redactParameter(parameter: string): string {
  const [name = '', value] = parameter.split('=', 2)
  if (value === undefined) return parameter === '' ? '' : '***'
  return openParameters.has(name) ? parameter : `${name}=***`
}

/**
 * Headers that may be printed, one text each: secrets are `***`, those that an answer repeats too; URLs are redacted, what a
 * server sent is sanitized.
 */
export function redactHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  secrets: readonly string[] = [],
): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    entries.map(([name, value]) => [
      sanitize(name),
      redactValue(name, hideSecrets([value].flat().join(', '), secrets)),
    ]),
  )
}

function redactValue(name: string, value: string): string {
  if (secretHeaders.test(name.toLowerCase())) return '***'
  return urlHeaders.has(name.toLowerCase()) ? redactUrl(value) : sanitize(redactUrlsIn(value))
}
