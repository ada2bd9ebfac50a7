import { type Failure, messageOf, transientStatus, type Where } from './failures.ts'

/** Every way in which a connection, or HTTP over it, can fail; the first row whose codes match describes the failure. */
export const connectionFailures: readonly Failure[] = [
  {
    codes: /^(ABORT_ERR|UND_ERR_ABORTED|UND_ERR_ABORT|UND_ERR_DESTROYED|UND_ERR_CLOSED)$/,
    code: 'ABORTED',
    retry: 'never',
    words: (peer) => `the request to ${peer} was cancelled`,
  },
  {
    codes: /^ENOTFOUND$/,
    code: 'NETWORK',
    retry: 'once',
    words: (peer) => `${peer} was not found: there is no such host name`,
    hint: ({ purpose }) => unknownNameHints[purpose] ?? `check the spelling; ${namesBehindProxy}`,
  },
  {
    codes: /^EAI_/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `the name of ${peer} could not be looked up`,
    hint: () => 'check the network connection and the DNS server',
  },
  {
    codes: /^ECONNREFUSED$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) => `${peer} refused the connection${addressesOf(error, peer)}`,
    hint: () => 'check that it is running and that the port is right',
  },
  {
    codes: /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM)$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) => `${peer} cannot be reached from here${addressesOf(error, peer)}`,
    hint: ({ purpose }) =>
      purpose === 'proxy' ? undefined : 'if this network needs a proxy, set --proxy or HTTPS_PROXY',
  },
  {
    codes: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) => `no connection to ${peer}: it did not answer in time${addressesOf(error, peer)}`,
    hint: ({ purpose }) =>
      purpose === 'proxy'
        ? undefined
        : 'a firewall may be in the way; if this network needs a proxy, set --proxy or HTTPS_PROXY',
  },
  {
    codes: /^PROXY_SILENCE$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `${peer} took the connection and did not answer in time`,
  },
  {
    codes: transientStatus,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) => `${peer} answered ${messageOf(error)}`,
  },
  {
    codes: /^UND_ERR_HEADERS_TIMEOUT$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `${peer} took the request and did not answer in time`,
    hint: () => 'a longer --timeout helps when a slow proxy or scanner is in the way',
  },
  {
    codes: /^UND_ERR_BODY_TIMEOUT$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `${peer} stopped sending`,
  },
  {
    codes: /^BODY_TOO_SLOW$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) => `${peer} sent too slowly: ${messageOf(error)}`,
  },
  {
    codes:
      /^(ECONNRESET|ECONNABORTED|EPIPE|ENOTCONN|UND_ERR_SOCKET|UND_ERR_INFO|ERR_STREAM_PREMATURE_CLOSE)$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `${peer} closed the connection too early`,
    // What speaks TLS often just hangs up on those who do not. Who has begun to answer in http does not speak it.
    hint: ({ url, purpose, answered }) =>
      url.protocol === 'http:' && !answered && ['manifest', 'ping'].includes(purpose) ? plainHint : undefined,
  },
  {
    codes: /^UND_ERR_HEADERS_OVERFLOW$|^HPE_HEADER_OVERFLOW$/,
    code: 'NETWORK',
    retry: 'never',
    words: (peer) => `${peer} answered with more headers than dray accepts`,
  },
  {
    codes: /^HPE_|^HTTPParserError$/,
    applies: isTlsAlert,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} speaks TLS, and was asked in plain http`,
    hint: ({ purpose }) =>
      purpose === 'proxy'
        ? 'write https:// before the name of the proxy'
        : 'leave out --plain-http, and what else says that it speaks no TLS',
  },
  {
    codes: /^HPE_|^UND_ERR_RES_|^HTTPParserError$/,
    code: 'NETWORK',
    retry: 'never',
    words: (peer) => `${peer} answered, but not in valid HTTP`,
    hint: ({ url, purpose }) =>
      url.protocol === 'https:'
        ? undefined
        : purpose === 'proxy'
          ? 'check the port; if the proxy speaks TLS, write https:// before its name'
          : plainHint,
  },
]

const plainHint = 'check the port; if it speaks TLS, leave out --plain-http'

/** An alert of any version of TLS (RFC 8446 section 5.1), where HTTP was expected. */
function isTlsAlert(error: unknown): boolean {
  const { data } = Object(error)
  return typeof data === 'string' && data.startsWith('\x15\x03')
}

/** Which addresses were tried, where that is news; the error of happy eyeballs has them in its parts and no message. */
function addressesOf(error: unknown, peer: string): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  const addresses = errors.map((one) => Object(one).address).filter((address) => typeof address === 'string')
  const news = addresses.filter((address) => !peer.includes(address))
  return news.length > 0 ? ` (tried ${news.join(', ')})` : ''
}

const namesBehindProxy = 'if names are only known to a proxy, set --proxy or HTTPS_PROXY'

/** The user spells the name of a proxy or a registry; that of a blob store or a token server is the registry's word. */
const unknownNameHints: Partial<Record<Where['purpose'], string>> = {
  proxy: 'check the spelling of the proxy (--proxy, HTTPS_PROXY)',
  blob: `the registry names that host: this network has to know it too; ${namesBehindProxy}`,
  token: `the registry names that host: this network has to know it too; ${namesBehindProxy}`,
}
