import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { DrayError, isDrayError } from '../errors.ts'
import { readBody } from '../http/read-body.ts'
import { serverWords } from '../http/server-words.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import { type Digest, digestAlgorithm, digestOf, digestProblem, parseDigest } from '../oci/digest.ts'
import { decodeText, parseJsonObject } from '../oci/json.ts'
import { manifestMediaTypes } from '../oci/media-types.ts'
import type { Inquiry } from './answer.ts'
import { contentCoding } from './content-coding.ts'
import { type EndpointAccess, inquiryFor } from './endpoint-access.ts'
import { responseError, webPageError } from './registry-response.ts'
import type { Content } from './repository.ts'
import { countTries } from './tries.ts'

/**
 * Fetches a manifest by tag or digest; `Repository.fetchManifest` has the promise. A body that breaks off is asked for
 * again, and once more a whole one that is not what it should be.
 */
export async function fetchManifest(
  access: EndpointAccess,
  identifier: string,
  signal: AbortSignal,
): Promise<Content> {
  const asked = digestProblem(identifier) ? undefined : parseDigest(identifier)
  const what = `${access.name}${asked ? '@' : ':'}${identifier}`
  const tries = countTries(access.tries, what, signal)
  for (;;) {
    const response = await requestManifest(access, identifier, signal)
    const inquiry = inquiryFor(access, { kind: 'manifest', what, signal })
    if (response.status !== 200) throw await responseError(response, inquiry)
    try {
      return await readContent(response, asked, inquiry)
    } catch (error) {
      if (isDrayError(error, 'INTEGRITY')) await tries.mistaken(error)
      else if (isDrayError(error)) throw error
      else await tries.failed(error, { ...whereFrom(response), purpose: 'manifest', answered: true })
    }
  }
}

/** All four types stand in every Accept: without them registries convert what they have, or say 404. */
function requestManifest(
  access: EndpointAccess,
  identifier: string,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const headers = { accept: manifestMediaTypes.join(', ') }
  return access.get({ path: `manifests/${identifier}`, headers, purpose: 'manifest', signal })
}

const whereFrom = ({ url, via }: HttpResponse) => ({ url, via })

async function readContent(
  response: HttpResponse,
  asked: Digest | undefined,
  inquiry: Inquiry,
): Promise<Content> {
  const claimed = claimedDigest(response)
  const raw = await readBody(response.body, manifestLimit)
  if (!raw.whole) throw tooLarge(inquiry)
  const bytes = await decodeCoding(raw.bytes, response, inquiry)
  const words = serverWords(bytes, headerOf(response, 'content-type'), response.secrets)
  if (words.isWebPage) throw webPageError(response, words, inquiry)
  if (asked) checkDigest(bytes, asked, `${inquiry.registry} sent something else for ${inquiry.what}`)
  if (claimed) checkDigest(bytes, claimed, `${inquiry.registry} named another digest for ${inquiry.what}`)
  // Without a digest to go by, this is how a document shows that was cut off and passed on as a whole one.
  if (!asked && !claimed) {
    parseJsonObject(decodeText(bytes), `${inquiry.registry}/${inquiry.what}: the manifest`)
  }
  return { mediaType: mediaTypeOf(response), digest: asked ?? digestOf(bytes), bytes }
}

/** The most that registries must accept (distribution spec, "Pushing Manifests"), and that other clients read. */
const manifestLimit = 4 * 1024 * 1024

function tooLarge({ registry, what }: Inquiry): DrayError {
  return new DrayError('UNSUPPORTED', `the manifest of ${what} from ${registry} is larger than 4 MiB`)
}

/** Undoes a gzip coding that was not asked for. Some caches label what they do not encode: no manifest is a gzip file. */
async function decodeCoding(
  bytes: Uint8Array,
  response: HttpResponse,
  inquiry: Inquiry,
): Promise<Uint8Array> {
  if (contentCoding(response) === 'identity') return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: manifestLimit })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(inquiry)
    return bytes
  }
}

/**
 * Docker-Content-Digest, where it can be relied on. For schema 1 it is the digest of the payload inside the signed
 * document.
 */
function claimedDigest(response: HttpResponse): Digest | undefined {
  const claimed = headerOf(response, 'docker-content-digest') ?? ''
  const isSigned = mediaTypeOf(response) === 'application/vnd.docker.distribution.manifest.v1+prettyjws'
  return isSigned || digestProblem(claimed) ? undefined : parseDigest(claimed)
}

function mediaTypeOf(response: HttpResponse): string | undefined {
  return headerOf(response, 'content-type')?.split(';')[0]?.trim() || undefined
}

function checkDigest(bytes: Uint8Array, digest: Digest, problem: string): void {
  const actual = digestOf(bytes, digestAlgorithm(digest))
  if (actual === digest) return
  throw new DrayError('INTEGRITY', `${problem}: expected ${digest}, got ${actual}`, {
    hint: 'a cache or proxy on the way may change what it passes on',
  })
}
