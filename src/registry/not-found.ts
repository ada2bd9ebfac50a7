import { DrayError } from '../errors.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import { type Answer, hostOf, type Inquiry, isSigned, quoteWords, wordsOf } from './answer.ts'

/** The error for an image that is not there; or for a registry that is not there, which a look at its root tells. */
export async function notFound(answer: Answer): Promise<DrayError> {
  const { response, words, inquiry } = answer
  const instead = isSigned(response, words) ? undefined : await foundInstead(inquiry)
  if (instead !== undefined) return notARegistry(inquiry, instead)
  const message = `${hostOf(answer)} has no ${inquiry.what}${quoteWords(words)}`
  return new DrayError('NOT_FOUND', message, { hint: hintFor(answer) })
}

function notARegistry({ registry }: Inquiry, instead: string): DrayError {
  return new DrayError('NETWORK', `${registry} is not a container registry: ${instead}`, {
    hint:
      registryBeside(registry) ?? 'check the host in the name, and its port: as in registry.example:5000/app',
  })
}

/** What the root of the API answers that no registry does; undefined when it may be one. */
async function foundInstead({ ping }: Inquiry): Promise<string | undefined> {
  const response = await ping?.().catch(() => undefined)
  if (!response) return undefined
  const words = await wordsOf(response)
  if (isSigned(response, words) || mayBeRegistry(response, words.isWebPage)) return undefined
  return `asked for ${response.url.pathname}, it answered ${response.status}${quoteWords(words)}`
}

/** A registry says 200, or 401 and how to log in; a busy one, or one behind a wall, may say anything. */
function mayBeRegistry(response: HttpResponse, isWebPage: boolean): boolean {
  const { status } = response
  if (status === 200) return !isWebPage
  if (status === 401) return headerOf(response, 'www-authenticate') !== undefined
  return status === 403 || status === 429 || status >= 500
}

/** Web sites that people take for the registry beside them. */
const registriesBeside: Readonly<Record<string, string>> = {
  'github.com': 'ghcr.io',
  'gitlab.com': 'registry.gitlab.com',
  'hub.docker.com': 'docker.io',
  'docker.com': 'docker.io',
}

/** Where the images are of a web site that is no registry. */
export function registryBeside(host: string): string | undefined {
  const site = host.replace(/^www\./, '')
  const registry = Object.hasOwn(registriesBeside, site) ? registriesBeside[site] : undefined
  return registry && `the images of ${site} are at ${registry}`
}

function hintFor({ words, inquiry }: Answer): string {
  const { kind, what, login } = inquiry
  if (kind === 'blob')
    return 'the registry has lost a part of the image, or is deleting it: push it again, or pull another tag'
  const mayHide = login ? '' : '; some registries hide private images from those who are not logged in'
  if (words.codes.includes('NAME_INVALID'))
    return 'this registry wants other names, often PROJECT/IMAGE: look up how it calls the image'
  if (isAboutRepository(words.codes, words.text))
    return `check the name up to the tag, its project or namespace too${mayHide}`
  if (what.includes('@')) return 'check the digest: what no tag points to any more, many registries delete'
  return `check the name and the tag${mayHide}`
}

function isAboutRepository(codes: readonly string[], text: string): boolean {
  return (
    codes.includes('NAME_UNKNOWN') || /\b(repository|project)\b.*\b(not found|not exist|unknown)/i.test(text)
  )
}
