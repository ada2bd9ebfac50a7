import type { Credential } from '../auth/credential.ts'
import { readBody } from '../http/read-body.ts'
import { type ServerWords, serverWords } from '../http/server-words.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import { apiRoot, isServedAt } from './endpoint.ts'

/** What a request was about, for the words of an error. */
export interface Inquiry {
  readonly registry: string
  /** Where its API is served; default: where its name says. */
  readonly root?: URL | undefined
  /** `library/nginx:latest`, `blob 0123456789ab of library/nginx`. */
  readonly what: string
  readonly kind?: 'manifest' | 'blob' | undefined
  /** The credential for the registry that was at hand. */
  readonly login?: Credential | undefined
  /** Asks for the root of the API, once and without credentials: does anything there look like a registry? */
  readonly ping?: (() => Promise<HttpResponse>) | undefined
}

/** An answer without the wanted content. */
export interface Answer {
  readonly response: HttpResponse
  readonly words: ServerWords
  readonly inquiry: Inquiry
}

const errorBodyLimit = 64 * 1024

/** The words of a body, as far as it came. */
export async function wordsOf(response: HttpResponse): Promise<ServerWords> {
  const read = await readBody(response.body, errorBodyLimit).catch(() => undefined)
  return serverWords(read?.bytes ?? new Uint8Array(), headerOf(response, 'content-type'), response.secrets)
}

type Origin = Pick<Answer, 'response' | 'inquiry'>

/** The registry's name, or the host that it sent us to. */
export function hostOf(answer: Origin): string {
  const { registry } = answer.inquiry
  return isRegistrysOwn(answer) ? registry : `${answer.response.url.host} (for ${registry})`
}

/** False for an answer of a host that the registry sent us to. */
export function isRegistrysOwn({ response, inquiry }: Origin): boolean {
  return isServedAt(response.url, inquiry.root ?? apiRoot(inquiry.registry))
}

/** True when the answer says of itself that a registry gave it. */
export function isSigned(response: HttpResponse, words: ServerWords): boolean {
  return words.isFromRegistry || headerOf(response, 'docker-distribution-api-version') !== undefined
}

/** What came with an answer, to stand at the end of a sentence. */
export function quoteWords({ codes, text, isWebPage }: ServerWords): string {
  if (isWebPage) return `, with a web page${text && ` (title: ${text})`}`
  const words = [codes.join(', '), text].filter(Boolean).join(': ')
  return words && ` (${words})`
}
