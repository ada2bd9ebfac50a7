import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../errors.ts'
import { codedError } from './failures.ts'
import type { ProxyServer } from './proxy.ts'
import { wrongKind } from './proxy-failure.ts'
import { type Peer, step } from './socket-steps.ts'

/** The longest that anyone may wait for a connection; whoever asks has a deadline of their own. */
const dayLong = 86_400_000

/**
 * Asks a SOCKS5 proxy (RFC 1928, RFC 1929) for a connection, over a connection to the proxy. Names are resolved by the
 * proxy. Rejects with PROXY_AUTH or NETWORK, with what Node says, or with the signal's reason.
 */
export function connectBySocks(
  socket: Socket,
  target: Peer,
  proxy: ProxyServer,
  signal: AbortSignal,
): Promise<Socket> {
  let answer: Buffer = Buffer.alloc(0)
  socket.once('data', (bytes) => {
    answer = bytes
  })
  return step(socket, signal, (done, fail) => {
    negotiate(socket, target, proxy).then(
      () => done(socket),
      (error) => fail(refusal(error, answer, target, proxy)),
    )
  })
}

async function negotiate(socket: Socket, target: Peer, { url, credentials }: ProxyServer): Promise<void> {
  const { SocksClient } = await import('socks')
  await SocksClient.createConnection({
    command: 'connect',
    existing_socket: socket,
    destination: { host: target.host, port: target.port },
    proxy: {
      type: 5,
      host: url.hostname,
      port: Number(url.port),
      ...(credentials && { userId: credentials.username, password: credentials.password }),
    },
    timeout: dayLong,
  })
  // The library lets the socket flow now, with nobody there to read.
  await setImmediate()
  socket.pause()
}

/** The library's own error has the password in it, and its text is all that tells the kinds apart. */
function refusal(error: unknown, answer: Buffer, target: Peer, proxy: ProxyServer): DrayError {
  const text = error instanceof Error ? error.message : ''
  const reply = /rejected connection - (\w+)/.exec(text)?.[1]
  if (answer.length > 0 && answer[0] !== 5) return wrongKind(proxy, answer)
  if (/accepted authentication type|unknown authentication type/.test(text)) return noCommonLogin(proxy)
  if (/Authentication failed/.test(text)) return wrongPassword(proxy)
  return notConnected(proxy, target, reply ?? '')
}

function noCommonLogin(proxy: ProxyServer): DrayError {
  const sent = proxy.credentials !== undefined
  const wish = sent
    ? 'takes neither a user name and password nor none'
    : 'wants a user name and password, or another kind of login'
  return new DrayError('PROXY_AUTH', `the proxy ${proxy.url.host} ${wish}`, {
    hint: sent
      ? 'dray logs in to SOCKS proxies by user name and password only; for other kinds, run a local helper proxy'
      : `put them into ${proxy.from ?? 'the proxy setting'}: socks5://<user>:<password>@<host>:<port>`,
    cause: codedError('SOCKS_LOGIN', 'no acceptable method of authentication'),
  })
}

function wrongPassword({ url, from }: ProxyServer): DrayError {
  return new DrayError('PROXY_AUTH', `the proxy ${url.host} does not accept this user name and password`, {
    hint: `check them in ${from ?? 'the proxy setting'}; in a password, characters such as @ : / # % are percent-encoded`,
    cause: codedError('SOCKS_LOGIN', 'authentication failed'),
  })
}

/**
 * RFC 1928 section 6, by the library's names: in words, and as a code, ours or Node's for the same, which says how often to
 * try again.
 */
const replies: Readonly<Record<string, readonly [words: string, code: string]>> = {
  Failure: ['general failure', 'ECONNABORTED'],
  NotAllowed: ['not allowed by its rules', 'SOCKS_NOT_ALLOWED'],
  NetworkUnreachable: ['network unreachable', 'ENETUNREACH'],
  HostUnreachable: ['host unreachable', 'EHOSTUNREACH'],
  ConnectionRefused: ['connection refused', 'ECONNREFUSED'],
  TTLExpired: ['TTL expired', 'ETIMEDOUT'],
  CommandNotSupported: ['command not supported', 'SOCKS_NOT_SUPPORTED'],
  AddressNotSupported: ['address type not supported', 'SOCKS_NOT_SUPPORTED'],
}

const unknownReply = ['something that SOCKS5 does not know', 'SOCKS_REPLY'] as const

function notConnected({ url }: ProxyServer, { host, port }: Peer, name: string): DrayError {
  const [words, code] = replies[name] ?? unknownReply
  const forbidden = code === 'SOCKS_NOT_ALLOWED'
  const verb = forbidden ? 'refused' : 'was not able'
  return new DrayError(
    'NETWORK',
    `the proxy ${url.host} ${verb} to connect to ${host}:${port}: it answered "${words}"`,
    {
      hint: forbidden
        ? 'ask for this host and port to be opened, or name the host in NO_PROXY if it can be reached directly'
        : 'check the spelling of the host, and that the proxy may go there',
      cause: codedError(code, words),
    },
  )
}
