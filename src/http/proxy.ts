import { BlockList, isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { DrayError } from '../errors.ts'
import { addressOf, isLoopbackHost, plainHost } from './origin.ts'

/** What HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold. */
export interface ProxySettings {
  /** For https URLs: `[http[s]://][user[:password]@]host[:port]`. */
  readonly https?: string | undefined
  /** For http URLs. */
  readonly http?: string | undefined
  /** Who is reached directly, separated by commas: names, `.suffixes`, addresses, networks, each with an optional port; `*` is all. */
  readonly none?: string | undefined
}

export interface HttpProxy {
  /** `http:` or `https:`, without credentials. */
  readonly url: URL
  /** The value of Proxy-Authorization. */
  readonly authorization?: string
}

/**
 * Decides which proxy a URL goes through, as Go's programs do (golang.org/x/net/http/httpproxy): loopback never, NO_PROXY
 * next, then by the scheme of the URL. A proxy setting that makes no sense throws USAGE when it is needed for the first time.
 */
export function createProxyResolver(settings: ProxySettings): (url: URL) => HttpProxy | undefined {
  const rules = parseNoProxy(settings.none ?? '')
  const parsed = new Map<string, HttpProxy>()
  return (url) => {
    const setting = url.protocol === 'https:' ? settings.https : settings.http
    if (!setting?.trim() || isLoopbackHost(url.hostname) || isDirect(url, rules)) return undefined
    const proxy = parsed.get(setting) ?? parseProxy(setting.trim())
    parsed.set(setting, proxy)
    return proxy
  }
}

function parseProxy(setting: string): HttpProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol.startsWith('socks')) {
    throw new DrayError(
      'USAGE',
      `dray does not speak SOCKS yet, and the proxy ${url.host} is a SOCKS proxy`,
      {
        hint: 'name an http:// or https:// proxy',
      },
    )
  }
  if (!url?.hostname || !['http:', 'https:'].includes(url.protocol)) {
    throw new DrayError('USAGE', 'the proxy setting is not the address of an http or https proxy', {
      hint: 'write http://[user:password@]host:port; in a password, characters such as @ : / # % are percent-encoded',
    })
  }
  const authorization = basicAuthorization(url)
  return { url: new URL(`${url.protocol}//${url.host}`), ...(authorization && { authorization }) }
}

function basicAuthorization({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined
  return `Basic ${Buffer.from(`${percentDecoded(username)}:${percentDecoded(password)}`).toString('base64')}`
}

/** A `%` that begins no escape is itself. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

interface NoProxyRules {
  readonly all: boolean
  /** Address and network rules, by the port that they are for; `''` is any. */
  readonly networks: ReadonlyMap<string, BlockList>
  readonly names: readonly { readonly suffix: string; readonly itself: boolean; readonly port: string }[]
}

function parseNoProxy(text: string): NoProxyRules {
  const items = text.split(/[\s,]+/).filter(Boolean)
  const networks = new Map<string, BlockList>()
  const names: { suffix: string; itself: boolean; port: string }[] = []
  for (const item of items) {
    const { host, port } = splitPort(item)
    const list = networks.get(port) ?? new BlockList()
    if (addNetwork(list, host)) networks.set(port, list)
    else if (host !== '') names.push({ ...parseName(host), port })
  }
  return { all: items.includes('*'), networks, names }
}

/** `host:port`, `[address]:port` or without a port; a bare IPv6 address has none. */
function splitPort(item: string): { readonly host: string; readonly port: string } {
  const [, host = item, port = ''] = /^([^:]*|\[.*\]):(\d+)$/.exec(item) ?? []
  return { host: plainHost(host), port }
}

function addNetwork(list: BlockList, host: string): boolean {
  const [network = '', prefix] = host.split('/')
  const address = addressOf(network)
  if (address === undefined) return false
  if (prefix === undefined) list.addAddress(address, family(address))
  else if (isPrefixLength(prefix, address)) list.addSubnet(address, Number(prefix), family(address))
  return true
}

function isPrefixLength(prefix: string, address: string): boolean {
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIP(address) === 4 ? 32 : 128)
}

/** `example.com` is itself and all below it; `.example.com` and `*.example.com` only what is below. */
function parseName(host: string): { readonly suffix: string; readonly itself: boolean } {
  const name = host.replace(/^\*(?=\.)/, '')
  const itself = !name.startsWith('.')
  const ascii = domainToASCII(itself ? name : name.slice(1))
  return { suffix: `.${ascii || name}`, itself }
}

function isDirect(url: URL, rules: NoProxyRules): boolean {
  if (rules.all) return true
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const address = addressOf(url.hostname)
  if (address !== undefined) {
    return ['', port].some((of) => rules.networks.get(of)?.check(address, family(address)))
  }
  const host = plainHost(url.hostname)
  return rules.names.some(
    ({ suffix, itself, port: only }) =>
      (only === '' || only === port) && (host.endsWith(suffix) || (itself && `.${host}` === suffix)),
  )
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
