import type { Readable } from 'node:stream'

/** What the request is for: it picks the time limits and the words of an error. */
export type RequestPurpose = 'manifest' | 'blob' | 'token' | 'ping'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly purpose: RequestPurpose
  /** That it goes wrong is an answer too: it is not tried again. */
  readonly once?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; a header that came several times is a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** As it came over the wire: no Content-Encoding is undone. Has to be read to its end or destroyed. */
  readonly body: Readable
  /** Where the answer came from in the end, redirects followed. */
  readonly url: URL
  /** Of the server, where we connected to it ourselves. */
  readonly address?: string | undefined
  /** Which proxy it came through. */
  readonly via?: URL | undefined
  /** What was sent to get it, and is not to be shown when the answer repeats it: tokens, passwords. */
  readonly secrets?: readonly string[]
}

/** The whole network, as one function. Rejects with a DrayError (NETWORK, TLS, PROXY_AUTH, POLICY, ABORTED); any status is an answer. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>

/** A transport around a transport. */
export type Interceptor = (next: Transport) => Transport

/** Puts interceptors around a transport; the first is the outermost. */
export function wrap(transport: Transport, ...interceptors: readonly Interceptor[]): Transport {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), transport)
}

/** A header's value, a repeated one joined by commas (RFC 9110 section 5.3). */
export function headerOf(response: Pick<HttpResponse, 'headers'>, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
