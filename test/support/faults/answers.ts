import type { OutgoingHttpHeaders } from 'node:http'
import { rangeStart } from '../registry.ts'
import type { Fault } from './fault.ts'

/** Another status in place of the answer. */
export const status =
  (code: number, body: string | object = '', headers: OutgoingHttpHeaders = {}): Fault =>
  (_, { response }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const type = typeof body === 'string' ? typeOf(body) : 'application/json'
    response.writeHead(code, { 'content-type': type, ...headers }).end(text)
  }

function typeOf(text: string): string {
  if (text.startsWith('<?xml')) return 'application/xml'
  return text.startsWith('<') ? 'text/html' : 'text/plain'
}

/** A web page of a network that wants to be logged in to. */
export const loginPage: Fault = status(200, '<html><title>Please log in</title></html>')

/** What comes on the wire, as it stands here, instead of an answer; the connection ends with it. */
export const onTheWire =
  (text: string): Fault =>
  (_, { request }) =>
    void request.socket.end(text)

/** The whole in place of the part that was asked for. */
export const wholeForPart: Fault = async (_, { response, askForWhole }) => {
  const { headers, body } = await askForWhole()
  response.writeHead(200, headers).end(body)
}

/** Not that part of the whole that was asked for: one that begins so many bytes later. */
export const partAt =
  (shift: number): Fault =>
  ({ status, headers, body }, { request, response }) => {
    const start = (rangeStart(request) ?? 0) + shift
    const size = (rangeStart(request) ?? 0) + body.length
    const bytes = shift >= 0 ? body.subarray(shift) : Buffer.concat([Buffer.alloc(-shift, 'x'), body])
    const range = `bytes ${start}-${size - 1}/${size}`
    response
      .writeHead(status, { ...headers, 'content-range': range, 'content-length': bytes.length })
      .end(bytes)
  }

/** Says this of the part that it sends. */
export const contentRange =
  (text: (start: number, size: number) => string | undefined): Fault =>
  ({ status, headers: { 'content-range': _, ...headers }, body }, { request, response }) => {
    const start = rangeStart(request) ?? 0
    const range = text(start, start + body.length)
    response
      .writeHead(status, { ...headers, ...(range !== undefined && { 'content-range': range }) })
      .end(body)
  }

/** Goes elsewhere; `$URL` stands for the path and query that were asked for. */
export const redirect =
  (code: number, location: string | undefined): Fault =>
  (_, { request, response }) => {
    const headers =
      location === undefined
        ? {}
        : {
            location: location
              .replace('$URL', request.url ?? '')
              .replace('$HOST', request.headers.host ?? ''),
          }
    response.writeHead(code, headers).end()
  }
