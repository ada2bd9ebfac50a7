import type { ConnectionOptions, DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { codedError } from './failures.ts'

/** How to connect to an origin by TLS. */
export interface TlsOptions extends ConnectionOptions {
  /** The file of the client certificate that is shown when the server asks for one. */
  readonly clientCertificate?: string | undefined
}

/** What came to be known of a TLS connection before it failed. */
export interface Handshake {
  /** What the server showed, with its issuers. */
  readonly certificate?: DetailedPeerCertificate | undefined
  /** The server asked for a client certificate. */
  readonly asksForCertificate?: boolean | undefined
  /** The file of the one that was there to be shown. */
  readonly clientCertificate?: string | undefined
  /** Nothing that was sent over the connection has been answered. */
  readonly unanswered?: boolean | undefined
}

/** What is known of the TLS connection that an error ended. */
export function handshakeOf(error: unknown): Handshake | undefined {
  return error instanceof Error ? handshakes.get(error) : undefined
}

/** Notes what is known of the TLS connection that an error ended. */
export function noteHandshake<E extends Error>(error: E, handshake: Handshake): E {
  handshakes.set(error, handshake)
  return error
}

// Node hands its errors to whoever listens to the socket: they cannot be replaced on their way, only be known more about.
const handshakes = new WeakMap<Error, Handshake>()

/**
 * Follows a TLS connection that is being opened, so that {@link handshakeOf} knows about the errors that end it until its
 * first answer. That is when a TLS 1.3 server tells what it thinks of the client's certificate: after the handshake, with
 * an alert or by just closing.
 */
export function watchHandshake(socket: TLSSocket, { clientCertificate }: TlsOptions): void {
  let seen: Handshake = {}
  const note = (error: Error) =>
    noteHandshake(error, { ...seen, clientCertificate, unanswered: !socket.readableDidRead })
  // Comes before verification, after which a refused certificate cannot be asked for any more.
  socket.prependOnceListener('secure', () => {
    seen = {
      certificate: socket.getPeerCertificate(true),
      // To a client, a server names signature algorithms only when it asks for a certificate.
      asksForCertificate: socket.getSharedSigalgs().length > 0,
    }
  })
  socket.on('error', note)
  socket.once('end', () => {
    if (seen.asksForCertificate && !socket.readableDidRead && !socket.destroyed) {
      socket.destroy(note(codedError('ECONNRESET', 'the connection was closed')))
    }
  })
}
