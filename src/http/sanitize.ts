/**
 * What a server said, made safe for a terminal, a log and a JSON line: control characters, bidirectional and invisible
 * ones, line separators and lone surrogates become `\u{…}`; line ends and tabs become a space. At most `limit` characters.
 */
export function sanitize(text: string, limit = 1000): string {
  const harmless = text
    .slice(0, limit * 2) // enough, and a page of megabytes costs nothing
    .replace(/\s*[\r\n\t]+\s*/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeCharacter)
  if (harmless.length <= limit) return harmless
  return `${harmless.slice(0, limit - 1).replace(/\p{Cs}$/u, '')}…`
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
