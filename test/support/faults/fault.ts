import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Handler } from '../serve.ts'

/** What a server without trouble would say. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the server would say to the same request without a range. */
  readonly askForWhole: () => Promise<Answer>
}

/** What happens to an answer on its way: faults are values with names, made by the functions beside this one. */
export type Fault = (answer: Answer, exchange: Exchange) => void | Promise<void>

/** No fault: one request of several is answered as it should be. */
const none: Fault = ({ status, headers, body }, { response }) => {
  response.writeHead(status, headers).end(body)
}

export interface Spoiling {
  /** Which requests meet a fault. */
  readonly at: (request: IncomingMessage) => boolean
  /** What the first of them meets, the second and so on. */
  readonly meet: readonly Fault[]
  /** What all others meet; default: none. */
  readonly forever?: Fault
}

/** A server of which some answers go wrong. */
export function spoil(next: Handler, { at, meet, forever = none }: Spoiling): Handler {
  let count = 0
  return async (request, response) => {
    if (!at(request)) return next(request, response)
    const fault = meet[count] ?? forever
    count += 1
    const answer = await answerOf(next, request)
    const askForWhole = () => {
      delete request.headers.range
      return answerOf(next, request)
    }
    await fault(answer, { request, response, askForWhole })
  }
}

/** Lets a handler answer to a tape. */
async function answerOf(handler: Handler, request: IncomingMessage): Promise<Answer> {
  const tape = new ServerResponse(request)
  const pieces: Uint8Array[] = []
  const take = (piece: unknown) => {
    if (typeof piece === 'string' || piece instanceof Uint8Array) pieces.push(Buffer.from(piece))
    return tape
  }
  tape.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
    tape.statusCode = status
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) tape.setHeader(name, value)
    return tape
  }) as typeof tape.writeHead
  tape.write = take as unknown as typeof tape.write
  tape.end = take as typeof tape.end
  await handler(request, tape)
  return { status: tape.statusCode, headers: tape.getHeaders(), body: Buffer.concat(pieces) }
}
