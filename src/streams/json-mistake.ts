/** The line, from 1 on, of the mistake that JSON.parse found in a text. */
export function lineOfJsonMistake(text: string, error: unknown): number {
  return text.slice(0, mistakeIn(text, error)).split('\n').length
}

const token = /\s*(?:"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:])/y

/** Node names the place of a mistake only where all the words are JSON's. */
function mistakeIn(text: string, error: unknown): number {
  const [, position] = /at position (\d+)/.exec(String(error)) ?? []
  if (position !== undefined) return Number(position)
  let end = 0
  for (token.lastIndex = 0; token.test(text); ) end = token.lastIndex
  return end + (/^\s*(?=\S)/.exec(text.slice(end))?.[0].length ?? 0)
}
