import { isIP, connect as netConnect, type Socket } from 'node:net'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { codedError } from './failures.ts'
import { type TlsOptions, watchHandshake } from './handshake.ts'
import { largeReads } from './large-reads.ts'
import { plainHost } from './origin.ts'

/** One end of a TCP connection. */
export interface Peer {
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
}

/** Node's own quarter of a second gives up addresses that a slow line (satellite, VPN) reaches. */
const patiencePerAddress = 2000

/**
 * Opens a TCP connection; where a name has several addresses, Node tries them in turn. Rejects with what Node says, or with
 * the signal's reason.
 */
export async function dial(to: URL | Peer, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const { host, port } = to instanceof URL ? peerOf(to) : to
  const socket: Socket = netConnect({
    host,
    port,
    autoSelectFamilyAttemptTimeout: patiencePerAddress,
    onread: largeReads(() => socket),
  })
  socket.setNoDelay(true).setKeepAlive(true, 30_000)
  return step(socket, signal, (done) => socket.once('connect', () => done(socket)))
}

/**
 * Does the TLS handshake with the server of a URL, over a connection that leads there. Rejects with what Node says, with
 * the signal's reason, or with what `tlsFor` rejects with; the connection is destroyed then.
 */
export async function secure(
  base: Socket,
  url: URL,
  { tlsFor }: { readonly tlsFor: (origin: URL) => Promise<TlsOptions> },
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { host } = peerOf(url)
  const options = await step<TlsOptions>(base, signal, (done, fail) =>
    Promise.resolve(url).then(tlsFor).then(done, fail),
  )
  const socket = tlsConnect({ ...options, socket: base, host, ...(isIP(host) ? {} : { servername: host }) })
  socket.once('close', () => base.destroy())
  watchHandshake(socket, options)
  return step(socket, signal, (done) => socket.once('secureConnect', () => done(socket)))
}

/**
 * Finds out whether a server speaks TLS at all, without the CAs, and without all of Node's TLS, that take longer to load than a
 * small pull takes else. Rejects, as {@link secure} would, when it answers something else. Whatever else may be wrong is for
 * the real handshake to tell.
 */
export async function probeTls(url: URL, signal: AbortSignal): Promise<void> {
  const socket = await dial(url, signal)
  try {
    const answer = await step<Buffer>(socket, signal, (done) => socket.once('data', done).write(clientHello))
    if (answer[0] === handshakeRecord || answer[0] === alertRecord) return
  } catch {
    signal.throwIfAborted()
    return
  } finally {
    socket.destroy()
  }
  throw codedError('ERR_SSL_WRONG_VERSION_NUMBER', `${url.host} does not speak TLS`)
}

/** Types of records (RFC 8446 section 5.1): every server that speaks TLS answers with one of these, if only to refuse. */
const alertRecord = 0x15
const handshakeRecord = 0x16

/** The shortest offer of TLS 1.2 (RFC 5246 section 7.4.1.2), with one suite that everybody knows, and no extensions. */
const clientHello = Buffer.from(
  [
    '16 0301 002d', // a record of a handshake
    '01 000029 0303', // the client's hello
    '64726179'.repeat(7), // what is to be random, were there more to come
    '0d0a0d0a', // to HTTP, an empty line: the end of something malformed
    '00', // no session
    '0002 c02f', // one suite
    '01 00', // no compression
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)

/**
 * One step on the way to a connection that can be used. However it fails, the socket is destroyed; when the signal ends it,
 * the signal's reason is the error.
 */
export function step<T>(
  socket: Socket,
  signal: AbortSignal,
  take: (done: (result: T) => void, fail: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = (result: T) => {
      signal.removeEventListener('abort', stop)
      resolve(result)
    }
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', stop)
      socket.destroy()
      reject(error)
    }
    const stop = () => fail(signal.reason)
    const closed = () => fail(codedError('ECONNRESET', 'the connection was closed'))
    signal.addEventListener('abort', stop, { once: true })
    take(done, fail)
    // Last, so that a step can say more about an error; and for good, so that none is ever unheard.
    socket.on('error', fail)
    socket.once('close', closed)
    if (signal.aborted) stop()
    else if (socket.destroyed) closed()
  })
}

/** Where the server of a URL listens. */
export function peerOf(url: URL): Peer {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  return { host: plainHost(url.hostname), port }
}
