import { identityOf, issuerOf, missingIssuer, nameOf, outOfDate, validityOf } from './certificate-words.ts'
import { clientCertificateFailures } from './client-certificate-failures.ts'
import { type Failure, messageOf, type Where } from './failures.ts'
import { handshakeOf } from './handshake.ts'
import { isPublicRegistry } from './public-registries.ts'
import { sanitize } from './sanitize.ts'

/** What OpenSSL calls an answer that is no TLS. */
export const notTlsCodes =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST)$/

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?))$/

const fatal = { code: 'TLS', retry: 'never' } as const

/** Every way in which TLS can fail; the first row that applies describes the failure. */
export const tlsFailures: readonly Failure[] = [
  ...clientCertificateFailures,
  {
    codes: notTlsCodes,
    ...fatal,
    words: (peer) => `${peer} answered, but does not speak TLS`,
    hint: ({ purpose }) =>
      purpose === 'proxy'
        ? 'check the port; if the proxy speaks plain http, write http:// before its name'
        : 'check the port; for a registry that speaks plain http, add --plain-http',
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    ...fatal,
    words: (peer, error) => `${certificateOutOfDate(peer, error)} has expired${datesOf(error)}`,
    hint: () => 'its operator has to renew it, unless the clock of this machine is wrong',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    ...fatal,
    words: (peer, error) => `${certificateOutOfDate(peer, error)} is not valid yet${datesOf(error)}`,
    hint: () => 'check the clock of this machine',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/,
    ...fatal,
    words: (peer, error) =>
      `the certificate of ${peer} is for other names${namesOf(error)}${issuedBy(error)}`,
    hint: ({ purpose }) =>
      purpose === 'blob' || purpose === 'token'
        ? 'its operator has to repair that; if a company inspects TLS here, ask for a proxy that does it right'
        : 'check the spelling of the host; if a company inspects TLS here, ask for a proxy that does it right',
  },
  {
    codes: untrusted,
    ...fatal,
    words: (peer, error, where) => inspection(peer, error, where) ?? distrust(peer, error),
    hint: trustHint,
  },
  {
    codes: /^(CERT_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_)/,
    ...fatal,
    words: (peer, error) =>
      `the certificate of ${peer} is not acceptable: ${messageOf(error)}${identity(error)}`,
  },
  {
    codes: /^ERR_SSL_.*NO_APPLICATION_PROTOCOL$/,
    ...fatal,
    words: (peer) => `${peer} speaks only HTTP/2, which dray does not`,
  },
  {
    codes: /^ERR_SSL_.*(PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)$/,
    ...fatal,
    words: (peer) => `${peer} speaks only versions of TLS that are older than 1.2`,
  },
  {
    codes: /^ERR_SSL_.*(KEY_TOO_SMALL|MD_TOO_WEAK|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/,
    ...fatal,
    words: (peer, error) => `the TLS of ${peer} is too old to be safe: ${reasonOf(error)}`,
    hint: () => 'its operator, or that of a proxy which inspects TLS here, has to renew it',
  },
  {
    codes: /^ERR_SSL_.*UNRECOGNIZED_NAME$/,
    ...fatal,
    words: (peer) => `${peer} serves no host of that name`,
    hint: () => 'check the spelling of the host',
  },
  {
    codes: /^ERR_SSL_|^ERR_TLS_|^EPROTO$/,
    ...fatal,
    words: (peer, error) => `no TLS connection to ${peer}: ${reasonOf(error)}`,
  },
]

/** Where only public CAs are used, one that is not trusted means that somebody on the way has put himself in between. */
function inspection(peer: string, error: unknown, { url, purpose }: Where): string | undefined {
  const issuer = issuerOf(certificateOf(error))
  if (purpose === 'proxy' || issuer === undefined || !isPublicRegistry(url.hostname)) return undefined
  return (
    `${peer} is served with a certificate by ${issuer}, which this machine does not trust: ` +
    'most likely something on the way inspects TLS (a company proxy, an antivirus)'
  )
}

function distrust(peer: string, error: unknown): string {
  const certificate = `the certificate of ${peer}`
  switch (Object(error).code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return `${certificate} is self-signed, and not one that this machine trusts${identity(error)}`
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return `${certificate} is signed by a CA that this machine does not trust (self-signed)${identity(error)}`
    default:
      return `${certificate} is signed by an unknown CA, or its chain is incomplete${identity(error)}`
  }
}

function trustHint({ url }: Where, error: unknown): string {
  const issuer = missingIssuer(certificateOf(error)) ?? `the CA of ${url.host}`
  return (
    `if you trust ${issuer} (a private CA, a company that inspects TLS), pass its certificate with --ca FILE, ` +
    'or name the file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS'
  )
}

/** It may be that of a CA on the way to the server's. */
function certificateOutOfDate(peer: string, error: unknown): string {
  const certificate = certificateOf(error)
  const culprit = outOfDate(certificate, Date.now())
  const ca = culprit !== certificate && nameOf(culprit?.subject)
  return ca ? `the certificate of the CA ${ca}, which stands behind ${peer},` : `the certificate of ${peer}`
}

function datesOf(error: unknown): string {
  const culprit = outOfDate(certificateOf(error), Date.now())
  const validity = validityOf(culprit)
  if (!validity) return ''
  const clock = `the clock here says ${new Date().toUTCString()}`
  return `: it is ${validity}, and ${clock}${identity(error)}`
}

function namesOf(error: unknown): string {
  const names = certificateOf(error)?.subjectaltname
  return names ? `: ${sanitize(names, 200)}` : ''
}

function issuedBy(error: unknown): string {
  const issuer = issuerOf(certificateOf(error))
  return issuer ? `; it is issued by ${issuer}` : ''
}

function identity(error: unknown): string {
  const words = identityOf(certificateOf(error))
  return words && `; ${words}`
}

function certificateOf(error: unknown) {
  return handshakeOf(error)?.certificate
}

/** OpenSSL's message is full of addresses and file names; its reason is not. */
function reasonOf(error: unknown): string {
  const { reason } = Object(error)
  return typeof reason === 'string' ? sanitize(reason, 200) : messageOf(error)
}
