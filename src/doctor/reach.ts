import type { Socket } from 'node:net'
import { codedError, codeOf } from '../http/failures.ts'
import type { SocketOptions } from '../http/open-socket.ts'
import { addressOf } from '../http/origin.ts'
import { dial, type Peer } from '../http/socket-steps.ts'
import type { TlsSettings } from '../http/tls.ts'
import type { Outcome, Say } from './finding.ts'

/** What connections are opened with. */
export interface Wires extends SocketOptions {
  /** Finds the addresses of a name. */
  readonly lookup: (hostname: string) => Promise<readonly string[]>
  /** What `tlsFor` was made from. */
  readonly tls: TlsSettings
  /** How long one step may take, in milliseconds. */
  readonly patience: number
  readonly signal: AbortSignal
  /** In milliseconds since 1970. */
  readonly now: () => number
}

/** Puts in plain words why a host could not be reached. */
export type Explain = (error: unknown) => unknown

/** The addresses of a host. Rejects with what `explain` makes of the error. */
export async function lookUp(
  { host }: Peer,
  explain: Explain,
  wires: Wires,
): Promise<Outcome<readonly string[]>> {
  if (addressOf(host) !== undefined) return { summary: `${host} is an address, no name`, value: [host] }
  try {
    const addresses = await withDeadline(wires, (signal) => unlessAborted(wires.lookup(host), signal))
    return { summary: `${host} is ${listOf(addresses)}`, value: addresses }
  } catch (error) {
    throw explain(error)
  }
}

const longestList = 4

function listOf(addresses: readonly string[]): string {
  const more = addresses.length - longestList
  return `${addresses.slice(0, longestList).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function plural(addresses: number): string {
  return addresses === 1 ? '1 address' : `${addresses} addresses`
}

/** A connection to one address, or why there is none. */
interface Attempt {
  readonly address: string
  readonly elapsed: number
  readonly socket?: Socket
  readonly error?: unknown
}

/** Connects to each of the addresses, and keeps the fastest connection: a pull needs one. Rejects as `lookUp` does. */
export async function dialEach(
  addresses: readonly string[],
  { port }: Peer,
  explain: Explain,
  wires: Wires,
  say: Say,
): Promise<Outcome<Socket>> {
  const attempts = await Promise.all(addresses.map((address) => dialOne(address, port, wires)))
  for (const attempt of attempts) say(describeAttempt(attempt))
  const open = attempts.flatMap(({ socket, elapsed }) => (socket ? [{ socket, elapsed }] : []))
  const [first, ...others] = open.toSorted((a, b) => a.elapsed - b.elapsed)
  for (const { socket } of others) socket.destroy()
  if (wires.signal.aborted || !first) {
    first?.socket.destroy()
    const errors = attempts.map(({ error }) => error)
    throw explain(
      wires.signal.aborted ? wires.signal.reason : errors.length > 1 ? new AggregateError(errors) : errors[0],
    )
  }
  return {
    status: attempts.some((attempt) => attempt.error !== undefined && !lacksIpv6(attempt)) ? 'warning' : 'ok',
    summary: `port ${port} is open at ${open.length} of ${plural(addresses.length)}`,
    value: first.socket,
  }
}

async function dialOne(address: string, port: number, wires: Wires): Promise<Attempt> {
  const began = performance.now()
  const end = (result: Pick<Attempt, 'socket' | 'error'>) => ({
    address,
    elapsed: performance.now() - began,
    ...result,
  })
  try {
    const socket = await withDeadline(wires, (signal) => dial({ host: address, port }, signal))
    return end({ socket })
  } catch (error) {
    return end({ error })
  }
}

/** Many networks have none, and nobody misses it. */
function lacksIpv6({ address, error }: Attempt): boolean {
  return address.includes(':') && /^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/.test(codeOf(error))
}

function describeAttempt({ address, elapsed, error }: Attempt): string {
  const verdict = error === undefined ? 'open' : (plainWords.get(codeOf(error)) ?? codeOf(error))
  return `${address}: ${verdict} (${Math.round(elapsed)} ms)`
}

const plainWords: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'no answer'],
  ['EHOSTUNREACH', 'not reachable from here'],
  ['ENETUNREACH', 'not reachable from here'],
  ['EADDRNOTAVAIL', 'not reachable from here'],
])

/** Ends a step that takes too long with the error that connecting gets then. */
export async function withDeadline<T>(wires: Wires, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController()
  const { patience } = wires
  const reason = codedError('ETIMEDOUT', `no answer within ${patience / 1000} s`)
  const timer = setTimeout(() => deadline.abort(reason), patience)
  try {
    return await work(AbortSignal.any([wires.signal, deadline.signal]))
  } finally {
    clearTimeout(timer)
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    promise.then(resolve, reject)
  })
}
