/**
 * One line of JSON that is also safe to show on a terminal: C1 controls, bidirectional overrides and invisible
 * characters, which `JSON.stringify` leaves as they are, become `\u` escapes.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter)
}

/** JSON escapes UTF-16 units, so a character may take two. */
function escapeCharacter(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
