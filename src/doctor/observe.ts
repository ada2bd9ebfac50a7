import type { Token } from '../auth/token.ts'
import type { TokenCache } from '../auth/token-cache.ts'
import type { HttpRequest, HttpResponse, Interceptor } from '../http/transport.ts'

/** One request on the wire, redirects not followed, and what came back. */
export interface Exchange {
  readonly url: URL
  readonly purpose: HttpRequest['purpose']
  /** Absent when there was no answer. */
  readonly answer?: Pick<HttpResponse, 'status' | 'headers'> & {
    /** When its headers were there, in milliseconds since 1970 by the clock of this machine. */
    readonly receivedAt: number
  }
}

/** Keeps the headers of every answer, in the order in which they came. */
export function observe(exchanges: Exchange[], now: () => number): Interceptor {
  return (next) => async (request) => {
    const { url, purpose } = request
    try {
      const response = await next(request)
      const { status, headers } = response
      exchanges.push({ url, purpose, answer: { status, headers, receivedAt: now() } })
      return response
    } catch (error) {
      exchanges.push({ url, purpose })
      throw error
    }
  }
}

/** How a token was got. */
export interface TokenFetch {
  readonly outcome: { readonly token: Token } | { readonly error: unknown }
  /** In milliseconds. */
  readonly elapsed: number
}

/** The same cache, and every request for a token that it did not answer by itself. */
export function observeTokens(tokens: TokenCache, fetches: TokenFetch[]): TokenCache {
  return {
    ...tokens,
    get(key, fetch, signal) {
      const observed = async (flight: AbortSignal) => {
        const began = performance.now()
        const keep = (outcome: TokenFetch['outcome']) =>
          fetches.push({ outcome, elapsed: performance.now() - began })
        try {
          const token = await fetch(flight)
          keep({ token })
          return token
        } catch (error) {
          keep({ error })
          throw error
        }
      }
      return tokens.get(key, observed, signal)
    },
  }
}
