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

/** A single part of an image may be missing without saying anything about the others. */
const mostStrikes = 2

export function createStanding(): Standing {
  const strikes = new Map<string, number>()
  const strike = (place: string, count: number) => strikes.set(place, (strikes.get(place) ?? 0) + count)
  return {
    isLate: (endpoint) =>
      [endpoint.root.origin, placeOf(endpoint)].some((place) => (strikes.get(place) ?? 0) >= mostStrikes),
    worked: (endpoint) => void strikes.delete(placeOf(endpoint)),
    failed: (endpoint, error) =>
      void strike(
        isSilence(error) ? endpoint.root.origin : placeOf(endpoint),
        error.code === 'NOT_FOUND' ? 1 : mostStrikes,
      ),
    supersede: (endpoint) => void strike(placeOf(endpoint), mostStrikes),
  }
}

function placeOf({ root, repository }: Endpoint): string {
  return `${root.href}${repository}`
}

/** True when there was no answer at all, or none that reached us whole: the error has one of the network as its cause. */
export function isSilence({ code, cause }: DrayError): boolean {
  return code === 'TLS' || code === 'PROXY_AUTH' || (code === 'NETWORK' && cause !== undefined)
}
