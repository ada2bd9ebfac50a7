import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DrayError } from '../errors.ts'
import { discardBody } from '../http/read-body.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortDigest } from '../oci/digest.ts'
import { type Inquiry, wordsOf } from './answer.ts'
import { contentCoding } from './content-coding.ts'
import { type ContentRange, parseContentRange } from './content-range.ts'
import { isServedAt } from './endpoint.ts'
import { type EndpointAccess, type EndpointRequest, inquiryFor } from './endpoint-access.ts'
import { responseError, webPageError } from './registry-response.ts'
import { type BlobOpener, resumeBody } from './resume.ts'
import { countTries } from './tries.ts'

/**
 * Fetches a blob from an offset on; `Repository.fetchBlob` has the promise. Always with GET, since a signed URL behind
 * a redirect is good for one method, and always from the registry, since it is good for minutes.
 */
export async function fetchBlob(
  access: EndpointAccess,
  descriptor: Descriptor,
  from: number,
  signal: AbortSignal,
): Promise<Readable> {
  const { size, digest } = descriptor
  if (from >= size) return Readable.from([], { objectMode: false })
  const what = `blob ${shortDigest(digest)} of ${access.name}`
  const open = blobOpener(access, descriptor, what, signal)
  const tries = countTries(access.tries, what, signal)
  return resumeBody(await open(from), open, { from, size, what, signal, tries })
}

/** Bytes of a blob, by their offsets: up to `to`, without it. */
export interface Piece {
  readonly from: number
  readonly to: number
}

/** One piece of a blob; `Repository.fetchPiece` has the promise. */
export async function fetchPiece(
  access: EndpointAccess,
  { digest, size }: Descriptor,
  { from, to }: Piece,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  const headers = { range: `bytes=${from}-${to - 1}` }
  const response = await access.get({ path: `blobs/${digest}`, headers, purpose: 'blob', once: true, signal })
  const range = response.status === 206 ? rangeOf(response, size) : undefined
  if (range?.start === from && range.end === to - 1) return response.body
  response.body.on('error', () => {}).destroy() // it may be the whole blob
  return undefined
}

/**
 * Opens one blob again and again. A server that knows no ranges, or gives another one than was asked for, is asked for
 * the whole blob; whether its bytes still fit those before them is for the digest to say.
 */
function blobOpener(
  access: EndpointAccess,
  descriptor: Descriptor,
  what: string,
  signal: AbortSignal,
): BlobOpener {
  const { digest, size } = descriptor
  let etag: string | undefined
  const get = (headers: Readonly<Record<string, string>>) =>
    getSigned(access, { path: `blobs/${digest}`, headers, purpose: 'blob', signal })

  return async (from) => {
    let response = await get(from > 0 ? rangeHeaders(from, etag) : {})
    const { status, body, url, via } = response
    if (from > 0 && status === 206 && rangeOf(response, size)?.start === from)
      return { body, start: from, url, via }
    if (from > 0 && (status === 206 || status === 412 || status === 416)) {
      discardBody(body)
      response = await get({})
    }
    const inquiry = inquiryFor(access, { kind: 'blob', what, signal })
    if (response.status !== 200) throw await responseError(response, inquiry)
    etag = strongEtag(response)
    const whole = await wholeBody(response, size, inquiry)
    return { body: whole, start: 0, url: response.url, via: response.via }
  }
}

/** A 403 from the host behind a redirect: the signed URL has expired, and the registry signs a new one. */
async function getSigned(access: EndpointAccess, request: EndpointRequest) {
  const response = await access.get(request)
  if (response.status !== 403 || isServedAt(response.url, access.root)) return response
  discardBody(response.body)
  return access.get(request)
}

/** If-Range, unlike If-Match, gets the whole blob when it has changed. */
function rangeHeaders(from: number, etag: string | undefined): Readonly<Record<string, string>> {
  return { range: `bytes=${from}-`, ...(etag !== undefined && { 'if-range': etag }) }
}

function strongEtag(response: HttpResponse): string | undefined {
  return /^"[\x21\x23-\x7e]*"$/.exec(headerOf(response, 'etag') ?? '')?.[0]
}

/** Which bytes a 206 holds, if they are those of the blob itself, not of some coding of it, and as many as it says. */
function rangeOf(response: HttpResponse, size: number): ContentRange | undefined {
  const range = parseContentRange(headerOf(response, 'content-range'))
  if (!range || range.end >= size || (range.total ?? size) !== size) return undefined
  const promised = range.end - range.start + 1
  if ((contentLength(response) ?? promised) !== promised) return undefined
  return range.total === size || contentCoding(response) === 'identity' ? range : undefined
}

/**
 * The body of a 200. A gzip coding is undone, unless the length is that of the blob: storage often holds compressed
 * layers under that label. Of a body that does not tell its length the label is believed.
 */
async function wholeBody(response: HttpResponse, size: number, inquiry: Inquiry): Promise<Readable> {
  const length = contentLength(response)
  if (length === size) return response.body
  if (contentCoding(response) === 'gzip') return pipeline(response.body, createGunzip(), () => {})
  const isWebPage = /^\s*text\/html\b/i.test(headerOf(response, 'content-type') ?? '')
  if (length === undefined && !isWebPage) return response.body
  const words = await wordsOf(response)
  if (words.isWebPage || length === undefined) throw webPageError(response, words, inquiry)
  const problem = `${inquiry.registry} has ${length} bytes for ${inquiry.what}; the manifest promises ${size}`
  throw new DrayError('INTEGRITY', problem, {
    hint: 'a cache or proxy on the way may change what it passes on; or the image is broken there: push it again',
  })
}

function contentLength(response: HttpResponse): number | undefined {
  const text = headerOf(response, 'content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
