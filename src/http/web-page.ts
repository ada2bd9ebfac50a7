/** True for HTML, by its label or by how it begins. */
export function isWebPage(text: string, contentType = ''): boolean {
  return /^\s*text\/html\b/i.test(contentType) || /^\uFEFF?\s*<(!doctype|html|head|body)\b/i.test(text)
}

/**
 * What a page says about itself: its title, and what stands below it where the title is no more than a status
 * (`403 Forbidden`).
 */
export function pageWords(page: string): string {
  const start = page.slice(0, 16 * 1024)
  const title = (/<title[^<>]*>([^<]*)/i.exec(start)?.[1] ?? '').trim()
  if (title !== '' && !isStatus.test(title)) return title
  const rest = visibleText(start)
  const news = rest.startsWith(title) ? rest.slice(title.length).trim() : rest
  return news.length < leastNews ? title : [title, news].filter(Boolean).join(': ')
}

const isStatus = /^\d{3}\b.{0,25}$|^(error|forbidden|bad request|not found)$/i

/** Shorter than this, it is the name of the server program. */
const leastNews = 25

function visibleText(page: string): string {
  return page
    .replace(/<(head|script|style|title)\b.*?(<\/\1\s*>|$)/gis, ' ')
    .replace(/<!--.*?(-->|$)/gs, ' ')
    .replace(/<[^>]*>?/g, ' ')
    .replace(/&(nbsp|#160);/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
