import { DrayError } from '../errors.ts'
import { sameOrigin } from '../http/origin.ts'
import { discardBody } from '../http/read-body.ts'
import { sanitize } from '../http/sanitize.ts'
import { headerOf, type Interceptor } from '../http/transport.ts'
import { isSameRegistry } from './endpoint.ts'

/**
 * Tells a mirror which registry it is asked for (`?ns=`, as containerd does), and holds it to that: rejects with NETWORK
 * when it says that it answers for another one (distribution spec, "Registry Proxying": `OCI-Namespace`).
 */
export function speakFor(namespace: string, root: URL): Interceptor {
  return (next) => async (request) => {
    const isToRoot = request.url.href.startsWith(root.href) && request.purpose !== 'token'
    const url = new URL(request.url)
    if (isToRoot) url.searchParams.set('ns', namespace)
    const response = await next({ ...request, url })
    const answered = sameOrigin(response.url, root) && headerOf(response, 'oci-namespace')
    if (!answered || isSameRegistry(answered.trim(), namespace)) return response
    discardBody(response.body)
    throw new DrayError(
      'NETWORK',
      `the mirror ${root.host} answers for ${sanitize(answered, 100)}, not for ${namespace}`,
      { hint: `check which registry ${root.host} is a mirror of` },
    )
  }
}

/**
 * Sends an endpoint's own headers along, which may be secret, to its origin only: wherever it redirects to never sees
 * them, nor does whoever watches the requests above.
 */
export function sendHeaders(headers: Readonly<Record<string, string>>, root: URL): Interceptor {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return (next) => (request) =>
    next(sameOrigin(request.url, root) ? { ...request, headers: { ...own, ...request.headers } } : request)
}
