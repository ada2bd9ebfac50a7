import {
  contentRange,
  loginPage,
  onTheWire,
  partAt,
  redirect,
  status,
  wholeForPart,
} from '../faults/answers.ts'
import {
  chunked,
  chunkedCut,
  closeAfter,
  closeBefore,
  closeDelimitedCut,
  fin,
  gzipCoding,
  longer,
  reset,
  resetBefore,
  shorter,
  silence,
  stall,
  strangeCoding,
  withHeaders,
  wrongBytes,
} from '../faults/body.ts'
import type { Answer, Fault } from '../faults/fault.ts'
import type { Chance } from '../soak/chance.ts'

export interface NamedFault {
  readonly name: string
  readonly fault: Fault
}

/** What can go wrong with an answer; `isRest` when it is the rest of a blob that was asked for. */
export function drawFault(chance: Chance, isRest: boolean): NamedFault {
  const some = isRest && chance.happens(0.6) ? ofRests : ofAll
  const [name, make] = chance.pick(some as [Recipe, ...Recipe[]])
  return { name, fault: make(chance) }
}

type Recipe = readonly [name: string, make: (chance: Chance) => Fault]

/** At most a share of the body, or some bytes of it. */
const amount = (chance: Chance): number => (chance.happens(0.2) ? chance.between(0, 20) : chance.next())

const again = '$URL?once=more'

const ofAll: readonly Recipe[] = [
  ['is reset before it begins', () => resetBefore],
  ['is closed before it begins', () => closeBefore],
  ['is reset', (chance) => reset(amount(chance))],
  ['is closed', (chance) => fin(amount(chance))],
  ['is closed in the middle of a chunk', (chance) => chunkedCut(amount(chance))],
  ['ends with its connection, too early', (chance) => closeDelimitedCut(amount(chance))],
  ['stalls', (chance) => stall(amount(chance))],
  ['does not come', () => silence],
  ['drips', (chance) => drip(chance.between(5, 40))],
  ['is another', (chance) => wrongBytes(amount(chance))],
  ['is longer', (chance) => longer({ admits: chance.happens(0.5) })],
  ['is shorter', () => shorter],
  ['is cut, and says so', (chance) => cutHonestly(chance.next())],
  ['is chunked', () => chunked],
  ['is followed by the end of its connection', () => closeAfter],
  ['is coded as gzip', () => gzipCoding],
  ['is coded as nobody asked', () => strangeCoding],
  ['is called gzip, and is none', () => withHeaders({ 'content-encoding': 'gzip' })],
  ['is a login page', () => loginPage],
  ['is no HTTP', () => onTheWire('HTTP/1.1 2OO OK\r\n\r\n')],
  ['is 5xx', (chance) => status(chance.pick([500, 502, 503, 504, 524]), { errors: [] })],
  ['is 429', (chance) => status(429, '', { 'retry-after': String(chance.between(0, 1)) })],
  ['is 4xx', (chance) => status(chance.pick([400, 403, 404, 408, 416]), '<html>no</html>')],
  ['is 401', () => status(401, '', { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/",service="x"' })],
  ['is elsewhere', (chance) => redirect(chance.pick([301, 302, 303, 307, 308]), again)],
  ['is nowhere', () => redirect(307, 'http://127.0.0.1:1/')],
]

const ofRests: readonly Recipe[] = [
  ['is the whole', () => wholeForPart],
  ['begins elsewhere', (chance) => partAt(chance.pick([-10, 10, 1000]))],
  ['is of a longer whole', () => contentRange((start, size) => `bytes ${start}-${size - 1}/${size + 5}`)],
  ['does not say which part it is', () => contentRange(() => undefined)],
  [
    'says that it is another part',
    () => contentRange((start, size) => `bytes ${start + 1}-${size - 1}/${size}`),
  ],
  ['is 416', () => status(416, '', { 'content-range': 'bytes */10' })],
  ['is 412', () => status(412)],
]

/** All of it, in so many pieces, with a pause after each. */
const drip =
  (pieces: number): Fault =>
  ({ status, headers, body }: Answer, { response }) => {
    response.writeHead(status, headers)
    const step = Math.ceil(body.length / pieces) || 1
    const send = (from: number) => {
      if (from >= body.length || response.destroyed) return void response.end()
      response.write(body.subarray(from, from + step))
      setTimeout(send, 20, from + step)
    }
    send(0)
  }

/** A whole answer, but of the beginning only. */
const cutHonestly =
  (share: number): Fault =>
  ({ status, headers, body }, { response }) => {
    const beginning = body.subarray(0, Math.floor(body.length * share))
    response.writeHead(status, { ...headers, 'content-length': beginning.length }).end(beginning)
  }
