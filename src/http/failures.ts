import type { PeerCertificate } from 'node:tls'
import { type ErrorCode, systemErrorCode } from '../errors.ts'
import { sanitize } from './sanitize.ts'
import type { RequestPurpose } from './transport.ts'

/** Whom the failed request spoke to. */
export interface Where {
  readonly url: URL
  readonly purpose: RequestPurpose | 'proxy'
  /** Which proxy the connection went through. */
  readonly via?: URL | undefined
}

/** How often a failure is worth another try. */
export type RetryClass = 'transient' | 'once' | 'never'

/** What a kind of failure means for us and for the user. */
export interface Failure {
  /** Whole codes of Node, undici, llhttp and OpenSSL. */
  readonly codes: RegExp
  readonly code: ErrorCode
  readonly retry: RetryClass
  readonly words: (peer: string, error: unknown) => string
  readonly hint?: (where: Where, error: unknown) => string | undefined
}

/** The row of the table that describes an error. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error)
  return failures.find(({ codes }) => codes.test(code)) ?? unknownFailure
}

/** An error's code, or its name: HTTPParserError has no code in places, AbortError an old numeric one. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return tellingCode(error.errors.map(codeOf))
  const name = error instanceof Error ? error.name : ''
  return systemErrorCode(error) ?? (name === 'AbortError' ? 'ABORT_ERR' : name)
}

/** Of all addresses that were tried, IPv6 ones are often just not reachable; what the other said is the news. */
function tellingCode(codes: readonly string[]): string {
  return codes.find((code) => !/UNREACH$|NOTAVAIL$/.test(code)) ?? codes[0] ?? ''
}

/** An error with a code in Node's manner, for failures that we notice ourselves. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

const transientStatus = /^HTTP_(408|425|429|500|502|503|504|522|524)$/

/** Statuses that say that something is wrong just now. */
export function isTransientStatus(status: number): boolean {
  return transientStatus.test(`HTTP_${status}`)
}

/** A failed handshake, with the certificate that the server showed: Node's own error does not have it. */
export class HandshakeError extends Error {
  readonly code: string
  readonly certificate: PeerCertificate | undefined

  constructor(cause: unknown, certificate: PeerCertificate | undefined) {
    super(messageOf(cause), { cause })
    this.code = codeOf(cause)
    this.certificate = certificate
  }
}

/** What OpenSSL calls an answer that is no TLS. */
export const notTlsCodes =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST)$/

/** The first row whose codes match describes the failure. */
const failures: readonly Failure[] = [
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
    hint: ({ purpose }) =>
      purpose === 'proxy'
        ? 'check the spelling of the proxy (--proxy, HTTPS_PROXY)'
        : 'check the spelling; if names are only known to a proxy, set --proxy or HTTPS_PROXY',
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
    codes:
      /^(ECONNRESET|ECONNABORTED|EPIPE|ENOTCONN|UND_ERR_SOCKET|UND_ERR_INFO|ERR_STREAM_PREMATURE_CLOSE)$/,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer) => `${peer} closed the connection too early`,
  },
  {
    codes: /^UND_ERR_HEADERS_OVERFLOW$|^HPE_HEADER_OVERFLOW$/,
    code: 'NETWORK',
    retry: 'never',
    words: (peer) => `${peer} answered with more headers than dray accepts`,
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
          : 'check the port; if it speaks TLS, leave out --plain-http',
  },
  {
    codes: notTlsCodes,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} answered, but does not speak TLS`,
    hint: ({ purpose }) =>
      purpose === 'proxy'
        ? 'check the port; if the proxy speaks plain http, write http:// before its name'
        : 'check the port; for a registry that speaks plain http, add --plain-http',
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `the certificate of ${peer} has expired${datesOf(error)}`,
    hint: () => 'its operator has to renew it, unless the clock of this machine is wrong',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `the certificate of ${peer} is not valid yet${datesOf(error)}`,
    hint: () => 'check the clock of this machine',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `the certificate of ${peer} is for other names${namesOf(error)}`,
    hint: () =>
      'check the spelling of the host; if a company inspects TLS here, ask for a proxy that does it right',
  },
  {
    codes: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `the certificate of ${peer} is signed by no CA that this machine trusts (self-signed)`,
    hint: trustHint,
  },
  {
    codes: /^UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY)$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `the certificate of ${peer} is signed by an unknown CA, or its chain is incomplete`,
    hint: trustHint,
  },
  {
    codes: /^(CERT_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_)/,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `the certificate of ${peer} is not acceptable: ${messageOf(error)}`,
  },
  {
    codes: /^ERR_SSL_.*NO_APPLICATION_PROTOCOL$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} speaks only HTTP/2, which dray does not`,
  },
  {
    codes: /^ERR_SSL_.*(PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} speaks only versions of TLS that are older than 1.2`,
  },
  {
    codes: /^ERR_SSL_.*CERTIFICATE_REQUIRED$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} wants a client certificate`,
  },
  {
    codes: /^ERR_SSL_|^ERR_TLS_|^EPROTO$/,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `no TLS connection to ${peer}: ${messageOf(error)}`,
  },
]

const unknownFailure: Failure = {
  codes: /^/,
  code: 'NETWORK',
  retry: 'never',
  words: (peer, error) => `the request to ${peer} failed: ${messageOf(error)}`,
}

function messageOf(error: unknown): string {
  return sanitize(error instanceof Error ? error.message || error.name : String(error), 300)
}

/** Which addresses were tried, where that is news; the error of happy eyeballs has them in its parts and no message. */
function addressesOf(error: unknown, peer: string): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  const addresses = errors.map((one) => Object(one).address).filter((address) => typeof address === 'string')
  const news = addresses.filter((address) => !peer.includes(address))
  return news.length > 0 ? ` (tried ${news.join(', ')})` : ''
}

function trustHint({ url }: Where, error: unknown): string {
  const issuer = issuerOf(error) ?? `the CA of ${url.host}`
  return `if you trust ${issuer} (a private CA, a company that inspects TLS), pass its certificate with --ca FILE`
}

function issuerOf(error: unknown): string | undefined {
  const { CN, O } = certificateOf(error)?.issuer ?? {}
  const name = [CN ?? O].flat()[0]
  return name && `"${sanitize(name, 100)}"`
}

function datesOf(error: unknown): string {
  const { valid_from, valid_to } = certificateOf(error) ?? {}
  if (!valid_from || !valid_to) return ''
  const dates = sanitize(`${valid_from} to ${valid_to}`, 100).replace(/ +/g, ' ')
  return `: it is valid from ${dates}, and the clock here says ${new Date().toUTCString()}`
}

function namesOf(error: unknown): string {
  const names = certificateOf(error)?.subjectaltname
  return names ? `: ${sanitize(names, 200)}` : ''
}

function certificateOf(error: unknown): PeerCertificate | undefined {
  return error instanceof HandshakeError ? error.certificate : undefined
}
