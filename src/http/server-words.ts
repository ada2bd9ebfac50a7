import { sanitize } from './sanitize.ts'

/** What a server said where something else was wanted, safe to print. */
export interface ServerWords {
  /** Its error codes (`MANIFEST_UNKNOWN`), in upper case. */
  readonly codes: readonly string[]
  /** Its message, a page's title, or the beginning of the text; empty when it said nothing. */
  readonly text: string
  /** It is a web page. */
  readonly isWebPage: boolean
}

/**
 * Finds the words in the body of an error, of which registries and token servers know many shapes: the `errors` of the
 * distribution spec, OAuth2's `error_description`, `details`, `message`, plain text, HTML. At most 200 characters.
 */
export function serverWords(bytes: Uint8Array, contentType: string | undefined): ServerWords {
  const text = Buffer.from(bytes).toString()
  const json = parseJson(text)
  if (json === undefined && isWebPage(text, contentType)) return wordsFrom([], pageTitle(text), true)
  const said = spoken(json ?? text)
  const messages = said.map(({ message }) => message).filter(Boolean)
  return wordsFrom(said.map(({ code }) => code.toUpperCase()).filter(Boolean), messages.join('; '), false)
}

function wordsFrom(codes: readonly string[], text: string, isWebPage: boolean): ServerWords {
  return { codes: codes.map((code) => sanitize(code, 50)), text: sanitize(text.trim(), 200), isWebPage }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isWebPage(text: string, contentType = ''): boolean {
  return /^\s*text\/html\b/i.test(contentType) || /^\uFEFF?\s*<(!doctype|html|head|body)\b/i.test(text)
}

function pageTitle(page: string): string {
  return /<title[^<>]*>([^<]*)/i.exec(page)?.[1] ?? ''
}

interface Said {
  readonly code: string
  readonly message: string
}

function spoken(value: unknown): readonly Said[] {
  if (typeof value === 'string') return [{ code: '', message: value }]
  if (Array.isArray(value)) return value.slice(0, 5).flatMap(spoken)
  if (typeof value !== 'object' || value === null) return []
  const { errors, code, message, error, error_description, details } = value as Record<string, unknown>
  if (errors !== undefined) return spoken(errors)
  if (typeof error === 'object') return spoken(error)
  const texts = [message, error_description, error, details].filter((text) => typeof text === 'string')
  return [{ code: typeof code === 'string' ? code : '', message: texts.find(Boolean) ?? '' }]
}
