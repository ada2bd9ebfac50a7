import { Readable } from 'node:stream'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'

export type Answer =
  | (Pick<HttpResponse, 'status' | 'address'> & Partial<Pick<HttpResponse, 'headers' | 'body'>>)
  | Error

/** A transport that gives prepared answers in order, the last one again and again, and remembers the requests. */
export function fakeNetwork(...answers: readonly Answer[]): {
  transport: Transport
  requests: HttpRequest[]
} {
  const requests: HttpRequest[] = []
  const transport: Transport = async (request) => {
    const answer = answers[Math.min(requests.push(request), answers.length) - 1]
    if (answer === undefined) throw new Error('no answer was prepared')
    if (answer instanceof Error) throw answer
    const { status, headers = {}, body = Readable.from([]), address } = answer
    return { status, headers, body, address, url: request.url }
  }
  return { transport, requests }
}

export function get(url: string, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return { method: 'GET', url: new URL(url), headers, purpose: 'blob' }
}
