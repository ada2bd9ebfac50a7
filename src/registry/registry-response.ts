import { DrayError } from '../errors.ts'
import { rateLimitError } from '../http/rate-limit.ts'
import type { ServerWords } from '../http/server-words.ts'
import type { HttpResponse } from '../http/transport.ts'
import { type Answer, hostOf, type Inquiry, isSigned, quoteWords, wordsOf } from './answer.ts'
import { interference } from './interference.ts'
import { notFound, registryBeside } from './not-found.ts'
import { refused } from './refused.ts'

/**
 * The error that an answer without the wanted content amounts to, with the registry's own words (distribution spec,
 * "Error Codes"). Consumes the body. May ask the registry once more, to find out whether it is one.
 */
export async function responseError(response: HttpResponse, inquiry: Inquiry): Promise<DrayError> {
  const answer = { response, words: await wordsOf(response), inquiry }
  return interference(answer) ?? (await errorByStatus(answer))
}

/** The error that a web page in place of content amounts to: a login page, as a rule. */
export function webPageError(response: HttpResponse, words: ServerWords, inquiry: Inquiry): DrayError {
  const title = words.text && ` (title: ${words.text})`
  const host = hostOf({ response, inquiry })
  const message = `got a web page${title} instead of registry data from ${host} when asked for ${inquiry.what}`
  return new DrayError('NETWORK', message, {
    hint:
      registryBeside(inquiry.registry) ??
      'check the host in the name; or does this network want you to log in with a browser first?',
  })
}

/** Not every registry has the status for a name that it does not take, or for a pull that a rule of its own forbids. */
async function errorByStatus(answer: Answer): Promise<DrayError> {
  const { status } = answer.response
  const { codes } = answer.words
  if (status === 429 || codes.includes('TOOMANYREQUESTS')) return rateLimited(answer)
  if (status === 401 || status === 403 || codes.includes('PROJECTPOLICYVIOLATION')) return refused(answer)
  if (status === 404 || status === 410 || (status === 405 && !isSigned(answer.response, answer.words)))
    return notFound(answer)
  if (codes.some((code) => code === 'NAME_INVALID' || code === 'TAG_INVALID')) return notFound(answer)
  return otherError(answer)
}

function rateLimited(answer: Answer): DrayError {
  const { response, words, inquiry } = answer
  const client = { registry: inquiry.registry, loggedIn: inquiry.login !== undefined }
  return rateLimitError(hostOf(answer), response, words, client)
}

function otherError(answer: Answer): DrayError {
  const { response, words, inquiry } = answer
  const message = `${hostOf(answer)} answered ${response.status} when asked for ${inquiry.what}${quoteWords(words)}`
  return new DrayError('NETWORK', message, { hint: hintFor(answer) })
}

function hintFor({ response, words, inquiry }: Answer): string | undefined {
  if (response.status >= 500) return 'something is wrong there, or at a gateway before it: try again later'
  const page = 'a web page came back: this is not a registry, or something on the way answered in its place'
  return words.isWebPage ? (registryBeside(inquiry.registry) ?? page) : undefined
}
