import { BlockList, isIP } from 'node:net'
import { DrayError } from '../errors.ts'
import { addressOf, dottedQuad, isLoopbackHost, sameOrigin } from './origin.ts'
import { discardBody } from './read-body.ts'
import { redactUrl } from './redact.ts'
import { type HttpRequest, type HttpResponse, headerOf, type Interceptor } from './transport.ts'

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const mostHops = 10

/**
 * Follows redirects of GET and HEAD, ten at most, from https to https only, and not to addresses that a registry has no
 * business sending us to. Authorization stays with its origin for good; other headers go along. Throws POLICY for what would
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
      chain.push(target)
      if (chain.length > mostHops + 1) {
        const steps = chain.map((url) => redactUrl(url)).join(' → ')
        throw new DrayError('POLICY', `more than ${mostHops} redirects: ${steps}`)
      }
      current = redirected(current, target)
    }
  }
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
  const refusal = refusalOf(target, request.url, asked)
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

/** The address that a host spells, and the IPv4 address that an IPv6 one stands for: 6to4, NAT64, IPv4-compatible. */
export function addressesIn(hostname: string): readonly string[] {
  const address = addressOf(hostname)
  if (address === undefined) return []
  const [, groups] = /^(?:2002:|64:ff9b::|64:ff9b:1::|::ffff:0:|::)([0-9a-f]*:[0-9a-f]*)/.exec(address) ?? []
  const inner = groups === undefined ? undefined : dottedQuad(groups)
  return inner === undefined ? [address] : [address, inner]
}

const forbidden = new BlockList()
forbidden.addSubnet('0.0.0.0', 8, 'ipv4')
forbidden.addSubnet('169.254.0.0', 16, 'ipv4')
forbidden.addAddress('100.100.100.200', 'ipv4') // metadata at Alibaba
forbidden.addAddress('192.0.0.192', 'ipv4') // metadata at Oracle
forbidden.addAddress('::', 'ipv6')
forbidden.addSubnet('fe80::', 10, 'ipv6')
forbidden.addSubnet('fec0::', 10, 'ipv6')
forbidden.addAddress('fd00:ec2::254', 'ipv6') // metadata at Amazon

/** True for an address that no server has a business sending us to, wherever it is itself. */
export function isForbidden(address: string): boolean {
  return forbidden.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
