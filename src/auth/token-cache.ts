import type { Token } from './token.ts'

/** Tokens at hand, and those on their way. */
export interface TokenCache {
  /**
   * The token of that key, fetched if there is none or it has lived four fifths of its life. Whoever asks for a token
   * that is on its way waits for that one; a failure is told to all who wait and then forgotten. A caller who gives up
   * leaves the others waiting; when the last one has gone, the fetch is aborted.
   */
  get(key: string, fetch: TokenFetch, signal?: AbortSignal): Promise<Token>
  /** Forgets a token that the registry refused; a newer one stays. */
  drop(key: string, refused: Token): void
}

export type TokenFetch = (signal: AbortSignal) => Promise<Token>

/** Of a token's life: leaves a 60-second token 12 seconds for the request that it goes with, and for slow clocks. */
const usefulLife = 0.8

/** An empty cache. `now` is in milliseconds, of the clock that tokens expire by. */
export function createTokenCache(now: () => number = () => performance.now()): TokenCache {
  const tokens = new Map<string, { readonly token: Token; readonly renewAt: number }>()
  const flights = new Map<string, Flight>()

  const startFlight = (key: string, fetch: TokenFetch): Flight => {
    const controller = new AbortController()
    const forget = () => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    const token = fetch(controller.signal)
      .then((token) => {
        const received = now()
        tokens.set(key, { token, renewAt: received + usefulLife * (token.expiresAt - received) })
        return token
      })
      .finally(forget)
    const cancel = () => {
      forget()
      controller.abort()
    }
    const flight: Flight = { token, cancel, waiting: 0 }
    flights.set(key, flight)
    return flight
  }

  return {
    async get(key, fetch, signal) {
      signal?.throwIfAborted()
      const kept = tokens.get(key)
      if (kept && now() < kept.renewAt) return kept.token
      return join(flights.get(key) ?? startFlight(key, fetch), signal)
    },
    drop(key, refused) {
      if (tokens.get(key)?.token === refused) tokens.delete(key)
    },
  }
}

interface Flight {
  readonly token: Promise<Token>
  readonly cancel: () => void
  waiting: number
}

async function join(flight: Flight, signal: AbortSignal | undefined): Promise<Token> {
  flight.waiting += 1
  let leave = () => {}
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal?.reason)
  })
  signal?.addEventListener('abort', leave)
  try {
    return await Promise.race([flight.token, left])
  } finally {
    signal?.removeEventListener('abort', leave)
    flight.waiting -= 1
    if (flight.waiting === 0) flight.cancel()
  }
}
