/** What Go's encoder can be given: a Map is a Go map, any other object a struct, whose fields keep their order. */
export type GoValue =
  | string
  | number
  | boolean
  | null
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue | undefined>
  | { readonly [field: string]: GoValue | undefined }

/**
 * JSON text byte for byte as Go's encoding/json writes it (in docker 20.10): no spaces, the keys of maps sorted as
 * UTF-8, members that are undefined left out, and `<`, `>`, `&`, U+2028 and U+2029 escaped.
 */
export function goJson(value: GoValue): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`
  const members = value instanceof Map ? sortedByKey(value) : Object.entries(value)
  const texts = members.flatMap(([key, member]) =>
    member === undefined ? [] : [`${quote(key)}:${goJson(member as GoValue)}`],
  )
  return `{${texts.join(',')}}`
}

function sortedByKey(map: ReadonlyMap<string, GoValue | undefined>) {
  return [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function quote(text: string): string {
  return `"${text.replace(/["\\<>&\u0000-\u001f\u2028\u2029]/g, escapeCharacter)}"`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function escapeCharacter(character: string): string {
  return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
