import type { DrayError } from '../errors.ts'
import type { Endpoint } from './endpoint.ts'

/** How endpoints have done so far. Those that failed are asked last from then on. */
export interface Standing {
  isLate(endpoint: Endpoint): boolean
  worked(endpoint: Endpoint): void
  failed(endpoint: Endpoint, error: DrayError): void
  /** Another way to write the same mirror has proved to be the right one. */
  supersede(endpoint: Endpoint): void
}

/** How much of a missing image there is to miss before an endpoint is thought not to have it. */
const mostMissing = 2

export function createStanding(): Standing {
  const late = new Set<string>()
  const missing = new Map<string, number>()
  return {
    isLate: ({ root, repository }) =>
      late.has(root.origin) || late.has(root.href) || late.has(`${root.href}${repository}`),
    worked({ root, repository }) {
      missing.delete(`${root.href}${repository}`)
    },
    failed({ root, repository }, error) {
      const here = `${root.href}${repository}`
      if (error.code === 'NOT_FOUND') {
        const count = (missing.get(here) ?? 0) + 1
        missing.set(here, count)
        if (count >= mostMissing) late.add(here)
      } else if (error.code === 'UNAUTHORIZED') late.add(here)
      else late.add(isSilence(error) ? root.origin : root.href)
    },
    supersede({ root, repository }) {
      late.add(`${root.href}${repository}`)
    },
  }
}

/** True when there was no answer at all, or none that reached us whole: the error has one of the network as its cause. */
export function isSilence({ code, cause }: DrayError): boolean {
  return code === 'TLS' || code === 'PROXY_AUTH' || (code === 'NETWORK' && cause !== undefined)
}
