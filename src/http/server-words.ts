import { sanitize } from './sanitize.ts'
import { hideSecrets } from './secrets.ts'
import { isWebPage, pageWords } from './web-page.ts'

/** What a server said where something else was wanted, safe to print. */
export interface ServerWords {
  /** Its error codes (`MANIFEST_UNKNOWN`), in upper case. */
  readonly codes: readonly string[]
  /** Its message, a page's title, or the beginning of the text; empty when it said nothing. */
  readonly text: string
  /** It is a web page. */
  readonly isWebPage: boolean
  /** It is the list of errors of the distribution spec, which nothing but a registry sends. */
  readonly isFromRegistry: boolean
}

/**
 * Finds the words in the body of an error, of which registries and token servers know many shapes: the `errors` of the
 * distribution spec, OAuth2's `error_description`, `details`, `message`, the XML of blob stores, plain text, HTML. At most
 * 200 characters, without the secrets that were sent to the server.
 */
export function serverWords(
  bytes: Uint8Array,
  contentType: string | undefined,
  secrets: readonly string[] = [],
): ServerWords {
  const open = (words: string) => hideSecrets(words, secrets).trim()
  const text = Buffer.from(bytes).toString()
  const json = parseJson(text)
  if (json === undefined && isWebPage(text, contentType)) return pageOf(sanitize(open(pageWords(text)), 200))
  const said = spoken(json ?? parseXml(text) ?? text)
  const codes = said.map(({ code }) => sanitize(open(code).toUpperCase(), 50)).filter(Boolean)
  const messages = said.map(({ message }) => message).filter(Boolean)
  const isFromRegistry = codes.length > 0 && Array.isArray(Object(json).errors)
  return { codes, text: sanitize(open(messages.join('; ')), 200), isWebPage: false, isFromRegistry }
}

function pageOf(text: string): ServerWords {
  return { codes: [], text, isWebPage: true, isFromRegistry: false }
}

/** In characters: more is no message, and may take a hundred times as much memory once it is read. */
const longestMessage = 1024 * 1024

function parseJson(text: string): unknown {
  if (text.length > longestMessage) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The error of S3, Azure and Google's storage, where blobs are. */
function parseXml(text: string): Said | undefined {
  if (!/<Error>/.test(text)) return undefined
  const element = (name: string) => new RegExp(`<${name}>([^<]*)`).exec(text)?.[1] ?? ''
  const said = { code: element('Code'), message: element('Message') }
  return said.code || said.message ? said : undefined
}

interface Said {
  readonly code: string
  readonly message: string
}

/** An error in a list in an error is as deep as words are found; what is nested further is a trap. */
const deepest = 5

/** `errorCode` and `errorMessage` are Huawei's. */
function spoken(value: unknown, depth = 0): readonly Said[] {
  if (typeof value === 'string') return [{ code: '', message: value }]
  if (typeof value !== 'object' || value === null || depth > deepest) return []
  if (Array.isArray(value)) return value.slice(0, 5).flatMap((each) => spoken(each, depth + 1))
  const { errors, error, ...fields } = value as Record<string, unknown>
  if (errors !== undefined) return spoken(errors, depth + 1)
  if (typeof error === 'object') return spoken(error, depth + 1)
  const { message, errorMessage, error_description, details, code, errorCode } = fields
  return [
    {
      code: firstText(code, errorCode),
      message: firstText(message, errorMessage, error_description, error, details),
    },
  ]
}

function firstText(...values: readonly unknown[]): string {
  return values.find((value): value is string => typeof value === 'string' && value !== '') ?? ''
}
