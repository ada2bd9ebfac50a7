import type { HttpResponse } from './transport.ts'

/** Headers that we send and that hold no secret; all others may, those of a configuration file too. */
const openHeaders =
  /^(accept|accept-encoding|connection|content-length|content-type|host|if-range|range|user-agent)$/i

/** What a request carries that nobody is to see: its credentials as they are sent, and the password that they stand for. */
export function secretsIn({
  headers = {},
  body = '',
}: {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}): readonly string[] {
  const values = Object.entries(headers).filter(([name]) => !openHeaders.test(name))
  const posted = new URLSearchParams(body).get('refresh_token') ?? ''
  return [...values.flatMap(([, value]) => secretsOf(value)), ...formsOf(posted)]
}

/** Those in the value of Authorization, or of another header that is secret. */
export function secretsOf(value: string): readonly string[] {
  const [, scheme = '', credentials = value] = /^(\S+) +(.*)$/s.exec(value) ?? []
  if (scheme.toLowerCase() !== 'basic') return formsOf(credentials)
  const login = Buffer.from(credentials, 'base64').toString()
  return [credentials, ...formsOf(login.slice(login.indexOf(':') + 1))]
}

/** A shorter one would be found everywhere, and to blank it out would tell it. */
const shortest = 4

function formsOf(secret: string): readonly string[] {
  return secret.length < shortest ? [] : [secret, encodeURIComponent(Buffer.from(secret).toString())]
}

/** What a server wrote, without the secrets that it was sent: it may repeat what it did not like. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
}

/** Headers that say what to do: a secret in them that is part of an address or a number is chance. */
export const steeringHeaders =
  /^(content-(length|range|type)|date|docker-content-digest|etag|location|ratelimit-.*|retry-after|www-authenticate)$/

/** The same for the headers of an answer, but for those that have to be taken at their word. */
export function hideInHeaders(
  headers: HttpResponse['headers'],
  secrets: readonly string[],
  verbatim?: RegExp,
): HttpResponse['headers'] {
  const hide = (value: string) => hideSecrets(value, secrets)
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (value === undefined || verbatim?.test(name)) return [name, value]
      return [name, Array.isArray(value) ? value.map(hide) : hide(value)]
    }),
  )
}
