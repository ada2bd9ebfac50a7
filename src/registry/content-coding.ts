import { DrayError } from '../errors.ts'
import { discardBody } from '../http/read-body.ts'
import { sanitize } from '../http/sanitize.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'

/**
 * How the body of an answer is coded, although `identity` was asked for. Throws NETWORK for anything but one gzip:
 * a chain of codings is how a small body becomes a huge one.
 */
export function contentCoding(response: HttpResponse): 'identity' | 'gzip' {
  const coding = (headerOf(response, 'content-encoding') ?? '').trim().toLowerCase()
  if (coding === '' || coding === 'identity') return 'identity'
  if (coding === 'gzip' || coding === 'x-gzip') return 'gzip'
  discardBody(response.body)
  throw new DrayError(
    'NETWORK',
    `${response.url.host} sent content coded as ${sanitize(coding, 80)}, which was not asked for`,
  )
}
