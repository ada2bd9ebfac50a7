import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { Outcome, Say } from './finding.ts'
import type { Wires } from './reach.ts'

const dayInMilliseconds = 86_400_000
/** Certificates that renew themselves do so a month before they expire. */
const fewDays = 14

/** What a TLS connection is like, with what is doubtful about it as a warning. */
export async function describeTls(
  socket: TLSSocket,
  url: URL,
  { tls, now }: Pick<Wires, 'tls' | 'now'>,
  say: Say,
): Promise<Pick<Outcome<unknown>, 'summary'> & { readonly status: 'ok' | 'warning' }> {
  const certificate = socket.getPeerCertificate()
  const issuer = nameIn(certificate.issuer)
  const days = Math.floor((Date.parse(certificate.valid_to) - now()) / dayInMilliseconds)
  const origin = (await tls.forOrigin?.(url)) ?? {}
  const verified = tls.insecure !== true && origin.insecure !== true

  say(`certificate for ${certificate.subjectaltname ?? nameIn(certificate.subject)}`)
  say(`valid until ${certificate.valid_to}`)
  for (const place of [...(tls.caFiles ?? []), ...(tls.caDirectories ?? []), ...(origin.caFiles ?? [])]) {
    say(`trusted besides the CAs of Node: ${place}`)
  }
  if (tls.caTexts?.length) say('trusted besides the CAs of Node: what the settings of npm hold')
  const shown = (origin.clientCertificates ?? []).map(({ certFile }) => certFile)
  const wish = wishForCertificate(socket, shown)
  if (wish) say(wish)

  const doubts = [
    !verified && 'NOT VERIFIED, as --insecure or a setting has it',
    verified && days < fewDays && `it expires in ${days} days`,
    wish && shown.length === 0 && wish,
  ].filter((doubt) => typeof doubt === 'string')
  const summary = `${socket.getProtocol()}, certificate from ${issuer}, ${days} days left`
  return {
    status: doubts.length > 0 ? 'warning' : 'ok',
    summary: [summary, ...doubts].join('; '),
  }
}

function nameIn({ O, CN }: PeerCertificate['issuer']): string {
  const [name] = [O ?? CN].flat()
  return name ? `"${name}"` : 'nobody in particular'
}

/** Only who is asked for a certificate is told which signatures it may bear. */
function wishForCertificate(socket: TLSSocket, shown: readonly string[]): string | undefined {
  if (socket.getSharedSigalgs().length === 0) return undefined
  return shown.length > 0
    ? `it asked for a client certificate, and got ${shown.join(', ')}`
    : 'it asks for a client certificate, and there is none to show (--cert and --key)'
}
