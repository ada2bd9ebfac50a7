import { sanitize } from '../http/sanitize.ts'
import { headerOf, type Interceptor } from '../http/transport.ts'

/** Tells what a registry says in `Warning: 299` headers (distribution spec, "Warnings"). */
export function tellWarnings(onWarning: (message: string) => void): Interceptor {
  return (next) => async (request) => {
    const response = await next(request)
    for (const text of warningTexts(headerOf(response, 'warning'))) {
      onWarning(`${response.url.host} says: ${text}`)
    }
    return response
  }
}

function warningTexts(header: string | undefined): readonly string[] {
  const warnings = (header ?? '').matchAll(/(?:^|,)\s*299 \S+ "((?:[^"\\]|\\.)*)"/g)
  return Array.from(warnings, ([, text = '']) => sanitize(text.replace(/\\(.)/g, '$1'))).filter(Boolean)
}
