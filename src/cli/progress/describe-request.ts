import type { PullEvent } from '../../events.ts'
import { sanitize } from '../../http/sanitize.ts'

type RequestEvent = Extract<PullEvent, { type: 'request' }>

/** `GET https://… 200 120 ms`; with `headers`, those of both sides below it, one a line. */
export function describeRequest(
  event: RequestEvent,
  { headers }: { readonly headers: boolean },
): readonly string[] {
  const { method, url, status, error, elapsed, requestHeaders, responseHeaders } = event
  const outcome = status ?? sanitize(error ?? 'no answer')
  const line = `${method} ${sanitize(url, 4000)} ${outcome} ${Math.round(elapsed)} ms`
  return headers ? [line, ...headerLines('>', requestHeaders), ...headerLines('<', responseHeaders)] : [line]
}

function headerLines(mark: string, headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `  ${mark} ${sanitize(name)}: ${sanitize(value)}`)
}
