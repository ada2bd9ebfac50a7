import type { IncomingHttpHeaders } from 'node:http'
import { DrayError } from '../errors.ts'
import { codedError } from './failures.ts'
import { sanitize } from './sanitize.ts'

/**
 * What a proxy's answer means that is not the one asked for: PROXY_AUTH when it wants (other) credentials, otherwise
 * NETWORK, which is worth another try where the status says so.
 */
export function proxyRefusal(
  proxy: URL,
  target: string,
  status: number,
  answer: { readonly statusMessage?: string | undefined; readonly headers: IncomingHttpHeaders },
): DrayError {
  const said = sanitize(`${status} ${answer.statusMessage ?? ''}`.trim(), 200)
  const cause = codedError(`HTTP_${status}`, said)
  // tinyproxy says 401 for a wrong password.
  if (status === 407 || status === 401) {
    return new DrayError(
      'PROXY_AUTH',
      `the proxy ${proxy.host} wants other credentials (${said})${schemes(answer.headers)}`,
      {
        hint: 'put them into the proxy setting, http://user:password@host:port; only Basic is supported, for others run a local helper proxy',
        cause,
      },
    )
  }
  return new DrayError(
    'NETWORK',
    `the proxy ${proxy.host} refused to connect to ${target}: it answered ${said}`,
    {
      hint: hintFor(status),
      cause,
    },
  )
}

function schemes(headers: IncomingHttpHeaders): string {
  const challenges = [headers['proxy-authenticate'] ?? []].flat().join(', ')
  const names = challenges.match(/(?<=^|,\s*)[A-Za-z][\w-]*(?=\s|,|$)/g)
  return names ? `; it offers ${sanitize([...new Set(names)].join(', '), 100)}` : ''
}

function hintFor(status: number): string {
  if (status >= 300 && status < 400) return 'it may want you to log in with a browser first'
  if (status >= 500)
    return 'the proxy could not reach the host; check its spelling, and that the proxy may go there'
  return 'its rules forbid this host or port; ask for them to be opened, or name the host in NO_PROXY if it can be reached directly'
}
