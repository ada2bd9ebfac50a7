import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RegistryContent } from './image-builder.ts'
import type { Handler } from './serve.ts'

/** The read side of the distribution API over content at hand, with ranges, as a registry that has no trouble serves it. */
export function registry(content: RegistryContent): Handler {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry')
    if (url.pathname === '/v2/') return sendJson(response, 200, {})
    const match = /^\/v2\/(?<name>.+)\/(?<kind>manifests|blobs)\/(?<id>[^/]+)$/.exec(url.pathname)
    const { name = '', kind = '', id = '' } = match?.groups ?? {}
    if (kind === 'manifests') return sendManifest(content, name, id, request, response)
    if (kind === 'blobs') return sendBlob(content.blobs.get(id), id, request, response)
    return sendError(response, 404, 'NOT_FOUND', 'no such route')
  }
}

function sendManifest(
  content: RegistryContent,
  name: string,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const digest = id.includes(':') ? id : content.tags.get(`${name}:${id}`)
  const manifest = digest === undefined ? undefined : content.manifests.get(digest)
  if (!digest || !manifest) {
    sendError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    return
  }
  if (!request.headers.accept?.includes(manifest.mediaType)) {
    sendError(response, 404, 'MANIFEST_UNKNOWN', 'the Accept header does not support what was found')
    return
  }
  response.writeHead(200, {
    'content-type': manifest.mediaType,
    'content-length': manifest.bytes.length,
    'docker-content-digest': digest,
  })
  response.end(request.method === 'HEAD' ? undefined : manifest.bytes)
}

function sendBlob(
  blob: Buffer | undefined,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (!blob) {
    sendError(response, 404, 'BLOB_UNKNOWN', 'blob unknown')
    return
  }
  const [from, to = blob.length] = rangeOf(request)
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  }
  if (from === undefined) {
    response.writeHead(200, { ...headers, 'content-length': blob.length })
    response.end(blob)
  } else if (from >= blob.length) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${blob.length}` }).end()
  } else {
    const bytes = blob.subarray(from, to)
    response.writeHead(206, {
      ...headers,
      'content-length': bytes.length,
      'content-range': `bytes ${from}-${from + bytes.length - 1}/${blob.length}`,
    })
    response.end(bytes)
  }
}

/** Where a range begins and ends, the end not in it. */
function rangeOf({ headers }: IncomingMessage): readonly [from?: number, to?: number] {
  const [, from, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (from === undefined) return []
  return last ? [Number(from), Number(last) + 1] : [Number(from)]
}

/** The N of `Range: bytes=N-`. */
export function rangeStart(request: IncomingMessage): number | undefined {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  return match ? Number(match[1]) : undefined
}

/** An error as the distribution-spec writes it. */
function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { errors: [{ code, message }] })
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** Lets only this user in. */
export function withBasicAuth(next: Handler, username: string, password: string): Handler {
  const expected = basic(username, password)
  return (request, response) => {
    if (request.headers.authorization === expected) return next(request, response)
    response.setHeader('www-authenticate', 'Basic realm="test registry"')
    sendError(response, 401, 'UNAUTHORIZED', 'authentication required')
  }
}

export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

export interface TokenAuthOptions {
  /** Who may have a token; anyone when absent. */
  readonly user?: { readonly username: string; readonly password: string }
  /** Seconds, as the token server states it. */
  readonly expiresIn?: number
  /** How many requests a token is good for before the registry calls it expired. */
  readonly uses?: number
  /** The name of the field that holds the token. */
  readonly field?: 'token' | 'access_token'
}

/** Guards a registry with Bearer tokens that the same server hands out at `/token`. */
export function withTokenAuth(next: Handler, options: TokenAuthOptions = {}): Handler {
  const { user, expiresIn = 300, uses = Number.POSITIVE_INFINITY, field = 'token' } = options
  const tokens = new Map<string, number>()
  return (request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    if (url.pathname === '/token') {
      if (user && request.headers.authorization !== basic(user.username, user.password)) {
        return sendError(response, 401, 'UNAUTHORIZED', 'incorrect username or password')
      }
      const token = `token-${tokens.size + 1}`
      tokens.set(token, uses)
      return sendJson(response, 200, { [field]: token, expires_in: expiresIn })
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const left = tokens.get(token) ?? 0
    if (left > 0) {
      tokens.set(token, left - 1)
      return next(request, response)
    }
    const scheme = 'encrypted' in request.socket ? 'https' : 'http'
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1]
    const scope = repository ? `,scope="repository:${repository}:pull"` : ''
    const error = token ? ',error="invalid_token"' : ''
    response.setHeader(
      'www-authenticate',
      `Bearer realm="${scheme}://${request.headers.host}/token",service="test"${scope}${error}`,
    )
    sendError(response, 401, 'UNAUTHORIZED', 'authentication required')
  }
}

/** Answers a blob's first requests as a failing network would; `times` requests long, then as the registry does. */
export function withCutBlobs(next: Handler, cutAfter: (blobLength: number) => number, times = 1): Handler {
  const seen = new Map<string, number>()
  return (request, response) => {
    const url = request.url ?? ''
    const count = seen.get(url) ?? 0
    if (!url.includes('/blobs/') || count >= times) return next(request, response)
    seen.set(url, count + 1)
    const { writeHead } = response
    let left = 0
    response.writeHead = ((status: number, headers: Record<string, unknown>) => {
      left = cutAfter(Number(headers['content-length']))
      return writeHead.call(response, status, headers as never)
    }) as typeof response.writeHead
    const { end } = response
    response.end = ((bytes?: Buffer) => {
      response.end = end
      response.write(bytes?.subarray(0, left) ?? '', () => response.socket?.destroy())
      return response
    }) as typeof response.end
    return next(request, response)
  }
}
