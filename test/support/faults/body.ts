import { brotliCompressSync, gzipSync } from 'node:zlib'
import { resetConnection } from '../serve.ts'
import type { Answer, Exchange, Fault } from './fault.ts'

/** How far a body gets: a share of it, below 1; or so many bytes. */
type Amount = number

function part(body: Buffer, amount: Amount): Buffer {
  return body.subarray(0, amount > 0 && amount < 1 ? Math.floor(body.length * amount) : amount)
}

/** Long enough for what was sent to be read before the connection ends. */
const aMoment = 60

/** Sends the beginning of a body that should be longer, then does that. */
function sendPart(
  { status, headers, body }: Answer,
  { response }: Exchange,
  amount: Amount,
  then: () => void,
) {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.flushHeaders()
  response.write(part(body, amount), () => setTimeout(then, aMoment))
}

/** The connection is reset after the beginning of the body. */
export const reset =
  (amount: Amount): Fault =>
  (answer, exchange) =>
    sendPart(answer, exchange, amount, () => resetConnection(exchange.request))

/** The connection is reset before a word is said. */
export const resetBefore: Fault = (_, { request }) => resetConnection(request)

/** The connection is closed in good order before a word is said. */
export const closeBefore: Fault = (_, { request }) => void request.socket.end()

/** The connection is closed in good order, and yet too early. */
export const fin =
  (amount: Amount): Fault =>
  (answer, exchange) =>
    sendPart(answer, exchange, amount, () => exchange.request.socket.end())

/** A chunked body ends without its last chunk. */
export const chunkedCut =
  (amount: Amount): Fault =>
  ({ status, headers: { 'content-length': _, ...headers }, body }, { request, response }) => {
    response.writeHead(status, { ...headers, 'transfer-encoding': 'chunked' })
    response.write(part(body, amount), () => setTimeout(() => request.socket.end(), aMoment))
  }

/** A body that ends with its connection ends too early: nothing in HTTP tells that it has. */
export const closeDelimitedCut =
  (amount: Amount): Fault =>
  ({ status, headers, body }, { request }) => {
    const lines = Object.entries(headers).filter(([name]) => name !== 'content-length')
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    request.socket.write(`HTTP/1.1 ${status} x\r\n${head}connection: close\r\n\r\n`)
    request.socket.end(part(body, amount))
  }

/** The body stops, and the connection stays. */
export const stall =
  (amount: Amount): Fault =>
  (answer, exchange) =>
    sendPart(answer, exchange, amount, () => {})

/** After its beginning, the body comes byte by byte, which takes hours. */
export const drip =
  (amount: Amount): Fault =>
  (answer, exchange) =>
    sendPart(answer, exchange, amount, () => {
      const { response } = exchange
      let position = part(answer.body, amount).length
      const clock = setInterval(() => response.write(answer.body.subarray(position, ++position)), 400)
      response.on('close', () => clearInterval(clock))
    })

/** The body comes in drops, and to its end. */
export const inDrops: Fault = ({ status, headers, body }, { response }) => {
  response.writeHead(status, headers)
  const step = Math.ceil(body.length / 8)
  let position = 0
  const clock = setInterval(() => {
    response.write(body.subarray(position, position + step))
    position += step
    if (position < body.length) return
    clearInterval(clock)
    response.end()
  }, 60)
}

/** Nothing is said at all. */
export const silence: Fault = () => {}

/** As many bytes as there should be, of which some are others. */
export const wrongBytes =
  (from: Amount = 0): Fault =>
  ({ status, headers, body }, { response }) => {
    const good = part(body, from)
    const bad = Buffer.from(body.subarray(good.length)).map((byte) => byte ^ 0xff)
    response.writeHead(status, headers).end(Buffer.concat([good, bad]))
  }

/** More bytes than there should be; the headers admit it, or say nothing about it. */
export const longer =
  ({ admits }: { readonly admits: boolean }): Fault =>
  ({ status, headers: { 'content-length': _, ...headers }, body }, { response }) => {
    const bytes = Buffer.concat([body, Buffer.alloc(10, 'x')])
    response.writeHead(status, { ...headers, ...(admits && { 'content-length': bytes.length }) })
    response.write(bytes.subarray(0, 1))
    response.end(bytes.subarray(1))
  }

/** Fewer bytes than there should be, and the headers admit it. */
export const shorter: Fault = ({ status, headers, body }, { response }) => {
  response.writeHead(status, { ...headers, 'content-length': body.length - 10 }).end(body.subarray(10))
}

/** No length is told; chunked, all bytes are there. */
export const chunked: Fault = (
  { status, headers: { 'content-length': _, ...headers }, body },
  { response },
) => {
  response.writeHead(status, { ...headers, 'transfer-encoding': 'chunked' }).end(body)
}

/** Coded although nobody asked for it. */
export const gzipCoding: Fault = ({ status, headers, body }, { response }) => {
  const bytes = gzipSync(body)
  response
    .writeHead(status, { ...headers, 'content-encoding': 'gzip', 'content-length': bytes.length })
    .end(bytes)
}

/** Coded in a way that we never said we know. */
export const strangeCoding: Fault = ({ status, headers, body }, { response }) => {
  const bytes = brotliCompressSync(body)
  response
    .writeHead(status, { ...headers, 'content-encoding': 'br', 'content-length': bytes.length })
    .end(bytes)
}

/** All as it should be, but for these headers; an undefined one is left out. */
export const withHeaders =
  (more: Readonly<Record<string, string | undefined>>): Fault =>
  ({ status, headers, body }, { response }) => {
    const all = Object.entries({ ...headers, ...more }).filter(([, value]) => value !== undefined)
    response.writeHead(status, Object.fromEntries(all)).end(body)
  }

/** All as it should be; then the connection ends, which was not announced. */
export const closeAfter: Fault = ({ status, headers, body }, { request, response }) => {
  response.writeHead(status, headers).end(body, () => request.socket.end())
}
