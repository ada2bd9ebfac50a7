import type { ServerResponse } from 'node:http'
import { addImage, buildImage, buildLayer, createContent } from '../image-builder.ts'
import { registry } from '../registry.ts'
import type { Handler } from '../serve.ts'

/** The parts of the README's troubleshooting section. */
export const chapters = ['The name', 'Not allowed', 'The network', 'Certificates', 'Proxy', 'Limits'] as const

/** Something that goes wrong on the way to an image, what baffles people about it elsewhere, and what dray says. */
export interface Symptom {
  /** Where it stands in the README; what is absent there is only tested. */
  readonly chapter?: (typeof chapters)[number]
  /** What other tools say to it, or what people see. */
  readonly symptom: string
  /** How the server answers; absent: nobody listens. Names that end in `.example` lead to it, `.invalid` ones nowhere. */
  readonly server?: Handler
  /** What it says to CONNECT, as it goes over the wire. */
  readonly connect?: string
  /** It speaks TLS, with this certificate of `test/fixtures/tls`. */
  readonly tls?: string
  /** The command as it is typed; PORT is the server's, FIXTURES where the certificates are. */
  readonly command: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly exitCode: number
  /** The first line that dray prints: ports left out, the time as `…`, the config's digest as CONFIG; empty for a pull that succeeds. */
  readonly says: string
  /** What it says to try; absent where there is nothing to try. */
  readonly advice?: string
  /** What it warns of first, while it goes on. */
  readonly warns?: string
}

/** The same answer to everything. */
export function answer(
  status: number,
  body: string | object = '',
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Handler {
  return (_, response) => send(response, status, body, headers)
}

function send(
  response: ServerResponse,
  status: number,
  body: string | object,
  headers: Readonly<Record<string, string | readonly string[]>>,
): void {
  const isText = typeof body === 'string'
  const type = !isText ? 'application/json' : body.startsWith('<') ? 'text/html' : 'text/plain'
  for (const [name, value] of Object.entries({ 'content-type': type, ...headers })) {
    response.setHeader(name, value)
  }
  response.writeHead(status).end(isText ? body : JSON.stringify(body))
}

/** Errors as the distribution-spec writes them. */
export const specError = (code: string, message: string) => ({ errors: [{ code, message, detail: null }] })

export const page = (title: string, text = '') =>
  `<!DOCTYPE html><html><head><title>${title}</title></head><body>${text}</body></html>`

/** What nginx serves for an error of its own. */
export const nginxPage = (title: string, reason = title) =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${reason}</h1></center>\r\n<hr><center>nginx/1.27.2</center>\r\n</body>\r\n</html>\r\n`

/** A registry's API root answers as it should, everything else as `rest` has it. */
export function registryWhere(rest: Handler): Handler {
  return byPath({ '/v2/': answer(200, {}) }, rest)
}

/** Picks the handler by the beginning of the path, the longest one first; `/v2/` stands for itself alone. */
export function byPath(handlers: Readonly<Record<string, Handler>>, rest: Handler): Handler {
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://server')
    const found = Object.keys(handlers)
      .toSorted((a, b) => b.length - a.length)
      .find((path) => (path === '/v2/' ? pathname === path : pathname.includes(path)))
    return (handlers[found ?? ''] ?? rest)(request, response)
  }
}

/** Asks for a token at the same server; what the token server says is `tokens`, and what a token is good for is `rest`. */
export function withChallenge(tokens: Handler, rest: Handler = images): Handler {
  return (request, response) => {
    if (request.url?.startsWith('/token')) return tokens(request, response)
    if (request.headers.authorization) return rest(request, response)
    const realm = `http://${request.headers.host}/token`
    return answer(401, specError('UNAUTHORIZED', 'authentication required'), {
      'www-authenticate': `Bearer realm="${realm}",service="registry"`,
    })(request, response)
  }
}

/** Asks for a user and password; whoever names one hears `rest`. */
export function withBasicChallenge(refusal: string | object, rest: Handler = images): Handler {
  return (request, response) =>
    request.headers.authorization
      ? rest(request, response)
      : answer(401, refusal, { 'www-authenticate': 'Basic realm="registry"' })(request, response)
}

export const anyToken = answer(200, { token: 'a-token' })

const content = createContent()
/** What `team/app:1` is. */
export const image = buildImage({ layers: [await buildLayer({ hello: 'world' })] })
addImage(content, image, 'team/app:1')

/** A registry without trouble, which holds `team/app:1`. */
export const images = registry(content)

/** A manifest that is served as it stands here. */
export function manifest(body: object | string, contentType: string): Handler {
  return answer(200, typeof body === 'string' ? body : JSON.stringify(body), { 'content-type': contentType })
}
