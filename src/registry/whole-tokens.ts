import { Readable } from 'node:stream'
import { tokenLimit } from '../auth/token.ts'
import { toNetworkError } from '../http/network-error.ts'
import { readBody } from '../http/read-body.ts'
import type { Interceptor } from '../http/transport.ts'

/**
 * Reads what token servers answer to its end at once, so that an answer that breaks off is tried again like one that never
 * came: without its token, a pull of hours would be over.
 */
export function readTokensWhole(): Interceptor {
  return (next) => async (request) => {
    const response = await next(request)
    if (request.purpose !== 'token') return response
    const { bytes } = await readBody(response.body, tokenLimit + 1).catch((error: unknown) => {
      throw toNetworkError(error, { url: response.url, purpose: 'token' })
    })
    return { ...response, body: Readable.from([bytes], { objectMode: false }) }
  }
}
