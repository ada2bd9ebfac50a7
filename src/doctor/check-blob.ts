import { DrayError } from '../errors.ts'
import { toNetworkError } from '../http/network-error.ts'
import { readBody } from '../http/read-body.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortDigest } from '../oci/digest.ts'
import { isServedAt } from '../registry/endpoint.ts'
import { inquiryFor } from '../registry/endpoint-access.ts'
import { responseError } from '../registry/registry-response.ts'
import { checkConnection } from './check-connection.ts'
import { linesOf } from './finding.ts'
import { impatiently } from './impatience.ts'
import type { Visit } from './visit.ts'

/** Fetches one byte of a blob, from wherever the registry keeps its blobs: firewalls often forget that host. */
export async function checkBlob({ digest, size }: Descriptor, visit: Visit): Promise<void> {
  const what = `blob ${shortDigest(digest)} of ${visit.access.name}`
  await visit.run('blob', async (say) => {
    const [answer] = await Promise.allSettled([fetchByte(`blobs/${digest}`, what, visit)])
    const elsewhere = visit.exchanges.findLast(({ purpose }) => purpose === 'blob')?.url
    if (!elsewhere || isServedAt(elsewhere, visit.root)) {
      if (answer.status === 'rejected') throw answer.reason
      return { summary: `one byte of ${size}, from the registry itself`, value: undefined }
    }
    try {
      await checkConnection({ url: elsewhere, purpose: 'blob' }, visit.wires, linesOf(say, elsewhere.host))
      if (answer.status === 'rejected') throw answer.reason
    } catch (error) {
      throw forgotten(answer.status === 'rejected' ? answer.reason : error, elsewhere, visit)
    }
    const summary = `one byte of ${size}, from ${elsewhere.host}, where the registry sends us`
    return { summary, value: undefined }
  })
}

async function fetchByte(path: string, what: string, visit: Visit): Promise<void> {
  const { access, wires } = visit
  await impatiently(what, wires, async (signal) => {
    const response = await access.get({ path, headers: { range: 'bytes=0-0' }, purpose: 'blob', signal })
    if (response.status !== 200 && response.status !== 206) {
      throw await responseError(response, inquiryFor(access, { kind: 'blob', what, signal }))
    }
    await readByte(response, what)
  })
}

/** A server that knows no ranges sends the whole blob: the connection is closed behind its first bytes. */
async function readByte(response: HttpResponse, what: string): Promise<void> {
  const { url, via, body } = response
  const { bytes } = await readBody(body, 1).catch((error: unknown) => {
    throw toNetworkError(error, { url, via, purpose: 'blob' })
  })
  if (bytes.length === 0) throw new DrayError('NETWORK', `${url.host} sent nothing of ${what}`)
}

/** Names the host that nobody thinks of. */
function forgotten(error: unknown, { host }: URL, { root }: Visit): unknown {
  if (!(error instanceof DrayError) || (error.code !== 'NETWORK' && error.code !== 'TLS')) return error
  const place = `${root.host} keeps its blobs at ${host}`
  // Whoever shows a certificate has been let through.
  const advice = error.code === 'TLS' ? place : `${place}, which has to be let through as well`
  const hint = error.hint === undefined ? advice : `${advice}; ${error.hint}`
  return new DrayError(error.code, error.message, { hint, cause: error })
}
