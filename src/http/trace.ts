import { redactHeaders, redactUrl } from './redact.ts'
import { sanitize } from './sanitize.ts'
import type { Interceptor } from './transport.ts'

/** One request and its answer, or what went wrong; nothing in it is secret. */
export interface RequestInfo {
  readonly method: string
  readonly url: string
  readonly status?: number
  readonly error?: string
  /** Until the answer's headers were there, in milliseconds. */
  readonly elapsed: number
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly responseHeaders: Readonly<Record<string, string>>
}

/** Tells of each request once its outcome is known. */
export function trace(onRequest: (info: RequestInfo) => void): Interceptor {
  return (next) => async (request) => {
    const start = performance.now()
    const tell = (outcome: Pick<RequestInfo, 'status' | 'error' | 'responseHeaders'>) =>
      onRequest({
        method: request.method,
        url: redactUrl(request.url),
        elapsed: Math.round(performance.now() - start),
        requestHeaders: redactHeaders(request.headers ?? {}),
        ...outcome,
      })
    try {
      const response = await next(request)
      tell({ status: response.status, responseHeaders: redactHeaders(response.headers, response.secrets) })
      return response
    } catch (error) {
      tell({ error: sanitize(error instanceof Error ? error.message : String(error)), responseHeaders: {} })
      throw error
    }
  }
}
