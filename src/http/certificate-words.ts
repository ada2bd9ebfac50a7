import type { Certificate, DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { sanitize } from './sanitize.ts'

/** `"registry.example", issued by "Example Root"`, as far as it is known; empty when nothing is. */
export function identityOf(certificate: PeerCertificate | undefined): string {
  const subject = nameOf(certificate?.subject)
  const issuer = nameOf(certificate?.issuer)
  return [subject && `it is for ${subject}`, issuer && `issued by ${issuer}`].filter(Boolean).join(', ')
}

/** Who has signed the last certificate of a chain: the CA that would have to be trusted. */
export function missingIssuer(certificate: DetailedPeerCertificate | undefined): string | undefined {
  return nameOf(chainOf(certificate).at(-1)?.issuer)
}

/** Who has signed a certificate. */
export function issuerOf(certificate: PeerCertificate | undefined): string | undefined {
  return nameOf(certificate?.issuer)
}

/** The first certificate of a chain that is out of date at a time; the server's own when none is. */
export function outOfDate(
  certificate: DetailedPeerCertificate | undefined,
  time: number,
): DetailedPeerCertificate | undefined {
  const isOut = ({ valid_from, valid_to }: PeerCertificate) =>
    Date.parse(valid_from) > time || Date.parse(valid_to) < time
  return chainOf(certificate).find(isOut) ?? certificate
}

/** From when to when a certificate is valid; empty when that is not known. */
export function validityOf(certificate: PeerCertificate | undefined): string {
  const { valid_from, valid_to } = certificate ?? {}
  if (!valid_from || !valid_to) return ''
  return sanitize(`valid from ${valid_from} to ${valid_to}`, 100).replace(/ +/g, ' ')
}

/** The certificate, its issuer's, and so on, as far as they were shown. */
function chainOf(certificate: DetailedPeerCertificate | undefined): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  for (let next = certificate; next && !chain.includes(next); next = next.issuerCertificate) chain.push(next)
  return chain
}

/** The common name in quotes, with the organisation where it says more. */
export function nameOf(name: Certificate | undefined): string | undefined {
  const { CN, O } = name ?? {}
  const parts = [CN, O].map((part) => [part].flat()[0]).filter((part) => part !== undefined)
  return parts.length > 0 ? `"${sanitize([...new Set(parts)].join(', '), 100)}"` : undefined
}
