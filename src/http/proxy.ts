import { DrayError } from '../errors.ts'
import { parseNoProxy } from './no-proxy.ts'

/** What HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY hold. An empty text is as good as none. */
export interface ProxySettings {
  /** For https URLs: `[scheme://][user[:password]@]host[:port]`; the scheme is http, https, socks5 or socks5h. */
  readonly https?: string | undefined
  /** For http URLs. */
  readonly http?: string | undefined
  /** For URLs that the others say nothing about (ALL_PROXY). */
  readonly all?: string | undefined
  /** Who is reached directly, separated by commas: names, `.suffixes`, addresses, networks, each with an optional port; `*` is all. */
  readonly none?: string | undefined
  /** What these settings are called where they come from, for messages: `--proxy`, `HTTPS_PROXY`, `npm_config_https_proxy`. */
  readonly from?: Readonly<Partial<Record<'https' | 'http' | 'all' | 'none', string | undefined>>> | undefined
}

export interface ProxyServer {
  /** `http:`, `https:` or `socks5:`, without credentials. */
  readonly url: URL
  /** The value of Proxy-Authorization, for an http or https proxy. */
  readonly authorization?: string
  /** For a SOCKS proxy. */
  readonly credentials?: ProxyCredentials
  /** What its setting is called. */
  readonly from?: string
}

export interface ProxyCredentials {
  readonly username: string
  readonly password: string
}

/**
 * Decides which proxy a URL goes through: none for loopback and for what NO_PROXY lists, otherwise by the scheme of the
 * URL. A proxy setting that makes no sense throws USAGE when it is needed for the first time.
 */
export function createProxyResolver(settings: ProxySettings): (url: URL) => ProxyServer | undefined {
  const isDirect = parseNoProxy(settings.none ?? '')
  const parsed = new Map<string, ProxyServer>()
  return (url) => {
    const kinds = [url.protocol === 'https:' ? 'https' : 'http', 'all'] as const
    const kind = kinds.find((each) => settings[each]?.trim())
    const setting = kind && settings[kind]?.trim()
    if (!setting || isDirect(url)) return undefined
    const proxy = parsed.get(kind) ?? parseProxy(setting, settings.from?.[kind])
    parsed.set(kind, proxy)
    return proxy
  }
}

/**
 * Whether a proxy is asked for a connection to the origin, and not for the URL itself: for https always, and by SOCKS. For
 * plain http it is not, since proxies forbid CONNECT to most ports.
 */
export function isTunnelled(url: URL, proxy: ProxyServer): boolean {
  return url.protocol === 'https:' || proxy.url.protocol === 'socks5:'
}

function parseProxy(setting: string, from?: string): ProxyServer {
  const name = from ?? 'the proxy setting'
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`
  const url = misspelledScheme.test(setting) ? undefined : parseAddress(text)
  if (/^socks4/.test(url?.protocol ?? '')) throw onlySocks5(name)
  // Only URLs of the web have a host in lower case, in ASCII, with a port that is checked.
  const host = url && /^(https?|socks(5h?)?):$/.test(url.protocol) ? hostOf(text) : undefined
  if (!url || !host) throw notAnAddress(name)
  const named = from === undefined ? {} : { from }
  if (!url.protocol.startsWith('socks')) {
    return { url: new URL(`${url.protocol}//${url.host}`), ...basicAuthorization(url), ...named }
  }
  const proxy = new URL(`socks5://${host}:${url.port || 1080}`)
  return { url: proxy, ...socksCredentials(url, name), ...named }
}

/** `http:/proxy`, `http:\\proxy`: not the host `http`. */
const misspelledScheme = /^[a-z][a-z0-9+.-]*:(\/(?!\/)|\\)/i

/** Undefined too where a `/`, `?` or `#` in a password made a host of what stands before it. */
function parseAddress(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && `${url.pathname}${url.search}${url.hash}`.includes('@') ? undefined : url
}

function hostOf(text: string): string | undefined {
  const web = text.replace(/^[^:]*/, 'http')
  const host = URL.canParse(web) ? new URL(web).hostname : ''
  return /^([a-z0-9._-]+|\[[0-9a-f:]+\])$/.test(host) ? host : undefined
}

function notAnAddress(name: string): DrayError {
  return new DrayError('USAGE', `${name} is not the address of a proxy`, {
    hint: 'write http://<user>:<password>@<host>:<port>, or https:// or socks5:// for other kinds; in a password, characters such as @ : / # % are percent-encoded',
  })
}

function onlySocks5(name: string): DrayError {
  return new DrayError('USAGE', `${name} names a SOCKS4 proxy, and dray speaks SOCKS5`, {
    hint: 'most SOCKS proxies speak both: write socks5://host:port',
  })
}

function basicAuthorization(url: URL): { readonly authorization?: string } {
  const credentials = credentialsOf(url)
  if (!credentials) return {}
  const { username, password } = credentials
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}

/** RFC 1929 has one byte for the length of each. */
function socksCredentials(url: URL, name: string): { readonly credentials?: ProxyCredentials } {
  const credentials = credentialsOf(url)
  if (!credentials) return {}
  if (Object.values(credentials).some((text) => Buffer.byteLength(text) > 255)) {
    throw new DrayError('USAGE', `${name} has a user name or a password that is too long for SOCKS5`, {
      hint: 'each may have up to 255 bytes',
    })
  }
  return { credentials }
}

function credentialsOf({ username, password }: URL): ProxyCredentials | undefined {
  if (!username && !password) return undefined
  return { username: percentDecoded(username), password: percentDecoded(password) }
}

/** A `%` that begins no escape is itself, and so are bytes that are no UTF-8. */
function percentDecoded(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })
}
