/**
 * A JSON document as it is written. Other than what `JSON.parse` makes of it, it keeps the order of all keys, repeated
 * ones, and how numbers and strings are spelled: a file that belongs to others can be edited without a trace elsewhere.
 */
export type JsonNode =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | JsonMembers

export interface JsonMembers {
  readonly kind: 'object'
  readonly members: readonly JsonMember[]
}

export interface JsonMember {
  readonly key: string
  /** The key as it is written. */
  readonly text: string
  readonly value: JsonNode
}

/** Takes JSON apart. Throws SyntaxError. */
export function parseJsonText(text: string): JsonNode {
  JSON.parse(text) // what follows is right for valid JSON only
  const tokens = text.matchAll(token)
  const next = () => String(tokens.next().value)
  return readNode(next(), next)
}

/** Commas and colons say nothing that the order does not say. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}[\],:"]+|[{}[\]]/g

function readNode(first: string, next: () => string): JsonNode {
  if (first === '{') return { kind: 'object', members: readMembers(next) }
  if (first === '[') return { kind: 'array', items: readItems(next) }
  return { kind: 'scalar', text: first }
}

function readMembers(next: () => string): readonly JsonMember[] {
  const members: JsonMember[] = []
  for (let text = next(); text !== '}'; text = next()) {
    members.push({ key: JSON.parse(text), text, value: readNode(next(), next) })
  }
  return members
}

function readItems(next: () => string): readonly JsonNode[] {
  const items: JsonNode[] = []
  for (let text = next(); text !== ']'; text = next()) items.push(readNode(text, next))
  return items
}

/** A member of an object. */
export function jsonMember(key: string, value: JsonNode): JsonMember {
  return { key, text: JSON.stringify(key), value }
}

/** Indented with tabs, as docker writes its files (Go's `json.MarshalIndent`); no line end at the end. */
export function formatJsonText(node: JsonNode, indent = ''): string {
  const inner = `${indent}\t`
  const block = (open: string, lines: readonly string[], close: string) =>
    lines.length === 0
      ? open + close
      : `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`
  if (node.kind === 'scalar') return node.text
  if (node.kind === 'array') {
    return block(
      '[',
      node.items.map((item) => formatJsonText(item, inner)),
      ']',
    )
  }
  const members = node.members.map(({ text, value }) => `${text}: ${formatJsonText(value, inner)}`)
  return block('{', members, '}')
}
