import { codeOf, type Failure, type Where } from './failures.ts'
import { handshakeOf } from './handshake.ts'

/** What a server says of the client's certificate: with an alert, or by closing before it answers anything. */
const alerts =
  /^ERR_SSL_.*(ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR))$/
const closings = /^(ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET)$/

/** The ways in which TLS fails for a client certificate that was wanted or refused. */
export const clientCertificateFailures: readonly Failure[] = [
  {
    codes: alerts,
    applies: (error) => shownFile(error) !== undefined,
    code: 'TLS',
    retry: 'never',
    words: (peer, error) => `${peer} refused the client certificate ${shownFile(error)}: ${reasonOf(error)}`,
    hint: certificateHint,
  },
  {
    codes: alerts,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `${peer} wants a client certificate`,
    hint: certificateHint,
  },
  {
    codes: closings,
    applies: (error) => wasAsked(error) && shownFile(error) !== undefined,
    code: 'NETWORK',
    retry: 'transient',
    words: (peer, error) =>
      `${peer} closed the connection when it had been shown the client certificate ${shownFile(error)}`,
    hint: certificateHint,
  },
  {
    codes: closings,
    applies: wasAsked,
    code: 'TLS',
    retry: 'once',
    words: (peer) => `${peer} asked for a client certificate and, when there was none, closed the connection`,
    hint: certificateHint,
  },
  {
    // OpenSSL's servers say no more than this before TLS 1.3.
    codes: /^ERR_SSL_.*ALERT_HANDSHAKE_FAILURE$/,
    code: 'TLS',
    retry: 'never',
    words: (peer) => `no TLS connection to ${peer}: it broke the handshake off without a reason`,
    hint: (where) => `it may want a client certificate: ${certificateHint(where)}`,
  },
]

function certificateHint({ url }: Where): string {
  return (
    'pass the right one with --cert FILE and --key FILE, or put it where docker and podman look for it: ' +
    `client.cert and client.key in certs.d/${url.host}`
  )
}

function shownFile(error: unknown): string | undefined {
  return handshakeOf(error)?.clientCertificate
}

function wasAsked(error: unknown): boolean {
  const { asksForCertificate = false, unanswered = false } = handshakeOf(error) ?? {}
  return asksForCertificate && unanswered
}

const reasons: Readonly<Record<string, string>> = {
  EXPIRED: 'it has expired',
  REVOKED: 'it was revoked',
  UNKNOWN_CA: 'the server does not know the CA that signed it',
  UNSUPPORTED_CERTIFICATE: 'the server does not take certificates of its kind',
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  return Object.entries(reasons).find(([ending]) => code.endsWith(ending))?.[1] ?? 'the server finds it bad'
}
