import { DrayError } from '../errors.ts'
import { codedError, codeOf, messageOf } from './failures.ts'
import { toNetworkError } from './network-error.ts'
import type { ProxyServer } from './proxy.ts'
import { sanitize } from './sanitize.ts'
import { hideSecrets, secretsOf } from './secrets.ts'

/**
 * Says in plain words why a proxy could not be used, and when it looks like one of another kind than its address says, of
 * which. A DrayError is passed on as it is.
 */
export function proxyFailure(error: unknown, proxy: ProxyServer): DrayError {
  const failure = toNetworkError(error, { url: proxy.url, purpose: 'proxy' })
  if (failure === error || failure.cause instanceof DrayError) return failure
  const code = codeOf(failure.cause)
  const answer = /^(HPE_(?!HEADER_OVERFLOW).*|HTTPParserError)$/.test(code)
    ? unparsed(failure.cause)
    : undefined
  if (answer) return wrongKind(proxy, answer)
  const hint = hintFor(code, proxy)
  return hint ? new DrayError(failure.code, failure.message, { hint, cause: failure.cause }) : failure
}

/** The same, once there is a connection to the proxy: a time limit means then that it is silent. */
export function openProxyFailure(error: unknown, proxy: ProxyServer): DrayError {
  const isSilent = codeOf(error) === 'ETIMEDOUT'
  return proxyFailure(isSilent ? codedError('PROXY_SILENCE', messageOf(error)) : error, proxy)
}

/** What a proxy that does not speak what its address says it speaks, answered with its first bytes. */
export function wrongKind(proxy: ProxyServer, answer: Uint8Array): DrayError {
  const wanted = proxy.url.protocol === 'socks5:' ? 'SOCKS5' : 'HTTP'
  const spoken = kinds.find(({ beginning, name }) => name !== wanted && beginning.test(latin1(answer)))
  const words = spoken ? `it speaks ${spoken.name}` : said(answer, proxy)
  return new DrayError(
    'NETWORK',
    `the proxy ${proxy.url.host} answered, but not in valid ${wanted}: ${words}`,
    {
      hint: spoken
        ? `in ${proxy.from ?? 'the proxy setting'}, ${spoken.advice}`
        : `check the port, and that a proxy for ${wanted} listens there`,
      cause: codedError('PROXY_KIND', `no valid ${wanted}`),
    },
  )
}

const kinds = [
  { beginning: /^HTTP\//, name: 'HTTP', advice: 'write http:// before its name, not socks5://' },
  { beginning: /^[\x14-\x16]\x03/, name: 'TLS', advice: 'write https:// before its name' },
  { beginning: /^\x05/, name: 'SOCKS5', advice: 'write socks5:// before its name' },
  { beginning: /^\0[\x5a-\x5d]/, name: 'SOCKS4', advice: 'name a proxy that speaks SOCKS5 or HTTP' },
] as const

function said(answer: Uint8Array, { authorization = '' }: ProxyServer): string {
  return `it said "${sanitize(hideSecrets(latin1(answer).trim(), secretsOf(authorization)), 60)}"`
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** The bytes that an HTTP parser stumbled over: Node's and undici's name for them. */
function unparsed(error: unknown): Uint8Array | undefined {
  const { rawPacket, data } = Object(error)
  if (rawPacket instanceof Uint8Array) return rawPacket
  return typeof data === 'string' && data !== '' ? Buffer.from(data, 'latin1') : undefined
}

function hintFor(code: string, { url, from }: ProxyServer): string | undefined {
  if (code === 'ENOTFOUND' && from) return `check the spelling of its name in ${from}`
  if (/^EAI_/.test(code) && from) return `check the spelling of its name in ${from}, and the DNS server`
  if (!/^(ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET|ETIMEDOUT|PROXY_SILENCE)$/.test(code)) return undefined
  const others = ['http', 'https', 'socks5'].filter((scheme) => `${scheme}:` !== url.protocol)
  const schemes = others.map((scheme) => `${scheme}://`).join(' or ')
  return code === 'PROXY_SILENCE'
    ? `a longer --timeout helps when it is overloaded; it may be of another kind too: ${schemes} before its name`
    : `check the port, and what kind of proxy it is: ${schemes} before its name stand for other kinds`
}
