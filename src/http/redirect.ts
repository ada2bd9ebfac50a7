import { DrayError } from '../errors.ts'
import { addressesIn, isForbidden, isPrivate, neighbourhoodOf } from './neighbourhood.ts'
import { isLoopbackHost, sameOrigin } from './origin.ts'
import { discardBody } from './read-body.ts'
import { redactUrl } from './redact.ts'
import { type HttpRequest, type HttpResponse, headerOf, type Interceptor } from './transport.ts'

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const mostHops = 10

/**
 * Follows redirects of GET and HEAD, ten at most and to no URL twice, from https to https only, and not to addresses that a
 * registry has no business sending us to. Authorization stays with its origin for good; other headers go along. Throws POLICY for what would
 * be unsafe, a redirected POST included, and NETWORK for a redirect to nowhere.
 */
export function followRedirects(): Interceptor {
  return (next) => async (request) => {
    const chain = [request.url]
    let current = request
    for (;;) {
      const response = await next(current).catch((error) => {
        throw chain.length > 1 ? sentBy(request.url, error) : error
      })
      if (!redirectStatuses.has(response.status)) return response
      discardBody(response.body)
      const target = targetOf(response, current, request.url)
      const isCircle = chain.some(({ href }) => href === target.href)
      chain.push(target)
      if (isCircle) throw endless('redirects in a circle', chain)
      if (chain.length > mostHops + 1) throw endless(`more than ${mostHops} redirects`, chain)
      current = redirected(current, target)
    }
  }
}

function endless(problem: string, chain: readonly URL[]): DrayError {
  const steps = chain.map((url) => redactUrl(url)).join(' → ')
  return new DrayError('POLICY', `${problem}: ${steps}`, {
    hint: 'the registry, or a proxy before it, is set up wrongly: ask those who run it',
  })
}

/** Says how we got to a host that the user never named. */
function sentBy(origin: URL, error: unknown): unknown {
  if (!(error instanceof DrayError) || error.code === 'ABORTED') return error
  const message = `${error.message} (${origin.host} redirected there)`
  return new DrayError(error.code, message, { hint: error.hint, cause: error })
}

function redirected(request: HttpRequest, url: URL): HttpRequest {
  if (sameOrigin(request.url, url)) return { ...request, url }
  const { authorization: _, ...headers } = request.headers ?? {}
  return { ...request, url, headers }
}

function targetOf(response: HttpResponse, request: HttpRequest, asked: URL): URL {
  const from = `${redactUrl(request.url)} answered ${response.status}`
  const location = headerOf(response, 'location')?.trim()
  if (request.method === 'POST') {
    throw new DrayError('POLICY', `${from}; credentials that were posted do not follow a redirect`)
  }
  if (!location) throw new DrayError('NETWORK', `${from} without saying where to go`)
  if (!URL.canParse(location, request.url.href)) {
    throw new DrayError('NETWORK', `${from} with a Location that is no URL: ${redactUrl(location)}`)
  }
  const target = new URL(location, request.url)
  const refusal = refusalOf(target, request.url, asked) ?? refusalOfInside(target, response)
  if (refusal) {
    throw new DrayError('POLICY', `${from} and points to ${redactUrl(target)}; ${refusal}`, {
      hint: 'dray does not follow that; the registry, or a proxy before it, is set up wrongly or is not to be trusted',
    })
  }
  return target
}

function refusalOf(target: URL, from: URL, asked: URL): string | undefined {
  const { protocol, hostname, username, password } = target
  if (protocol !== 'https:' && protocol !== 'http:') return 'that is neither http nor https'
  if (from.protocol === 'https:' && protocol === 'http:') return 'that leaves https for plain http'
  if (username || password) return 'that carries a user name or password'
  const addresses = addressesIn(hostname)
  if (addresses.some(isForbidden)) return 'such addresses configure machines and hold no blobs'
  if (isLoopbackHost(asked.hostname)) return undefined
  return [hostname, ...addresses].some(isLoopbackHost) ? 'that is this very machine' : undefined
}

/** A server of the public internet has no business inside our network; one of a private network may keep its blobs there. */
function refusalOfInside({ hostname }: URL, { address }: HttpResponse): string | undefined {
  if (address === undefined || neighbourhoodOf(address) !== undefined) return undefined
  return addressesIn(hostname).some(isPrivate) ? 'that is inside a private network' : undefined
}
