import { Readable } from 'node:stream'
import fc from 'fast-check'

/** Characters that mean something to a parser, a terminal, a shell or a file system. */
const meaning = [
  ...'"\'`\\/:;,.=@#?&%*<>|[]{}()-_+~!$^ \t\r\n\0',
  '\x1b[31m',
  '\x1b]0;title\x07',
  '\x7f',
  '\x85',
  '\x9b',
  '\u00ad',
  '\u200b',
  '\u202e',
  '\u2028',
  '\u2066',
  '\ufeff',
  '\ufffe',
  '\ud800',
  '\udc00',
  '😀',
  'ſ',
  'İ',
  '..',
  '../',
  '%00',
  '%2e%2e%2f',
  '://',
  '__proto__',
]

/** Text that nobody should have sent. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.constantFrom(...meaning, 'a', 'B', '0'), maxLength: 30 }),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 10 }),
)

/** A few of these pieces again and again, up to `longest` characters: what makes parsers slow. */
export function repetitive(pieces: readonly string[], longest = 50_000): fc.Arbitrary<string> {
  const few = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 })
  return fc.tuple(few, few, fc.nat(longest), few).map(([start, middle, length, end]) => {
    const again = middle.join('')
    return `${start.join('')}${again.repeat(Math.floor(length / (again.length || 1)))}${end.join('')}`
  })
}

/** One of these texts after a few edits, made of its own parts and of pieces of the same language. */
function mutated(texts: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...pieces),
    fc.constantFrom(...meaning),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const edit = fc.record({
    at: fc.nat(10_000),
    length: fc.oneof(fc.constant(0), fc.nat(12)),
    insert: fc.option(piece),
    copyFrom: fc.option(fc.nat(10_000)),
  })
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 5 })).map(([text, edits]) =>
    edits.reduce((rest, { at, length, insert, copyFrom }) => {
      const start = at % (rest.length + 1)
      const from = copyFrom === null ? 0 : copyFrom % (rest.length + 1)
      const copied = copyFrom === null ? '' : rest.slice(from, from + 20)
      return `${rest.slice(0, start)}${insert ?? ''}${copied}${rest.slice(start + length)}`
    }, text),
  )
}

/** What a text parser may be given: a valid text gone wrong, anything at all, or far too much of something. */
export function textLike(texts: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: mutated(texts, pieces) },
    { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...pieces, ...meaning), maxLength: 40 }) },
    { weight: 2, arbitrary: hostileText },
    { weight: 1, arbitrary: repetitive([...pieces, ...meaning]) },
  )
}

const specialNumbers = [0, -0, -1, 1.5, 1e21, 2 ** 53 - 1, 2 ** 53 + 2, 2 ** 62, Number.MAX_VALUE]
const specialKeys = ['__proto__', 'constructor', 'toString', 'valueOf', 'toJSON', 'length', 'then', '0', '']

/** A JSON value of these keys and values, and of others. */
export function json(keys: readonly string[], values: readonly unknown[] = []): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.constantFrom(...keys), fc.constantFrom(...specialKeys), hostileText)
  return fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.constantFrom(null, true, false, '', ...specialNumbers, ...values),
      fc.integer(),
      hostileText,
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map(objectOf),
    value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('list'), tie('object')),
  })).value
}

/** Own properties only, `__proto__` too, as JSON.parse makes them. */
function objectOf(entries: readonly (readonly [string, unknown])[]): unknown {
  return Object.fromEntries(entries)
}

/** The text of one of these documents in which a few values, at any depth, are others, gone, or there under two keys. */
export function mutatedJson(
  documents: readonly unknown[],
  values: fc.Arbitrary<unknown>,
): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(1000),
    how: fc.constantFrom('replace', 'remove', 'other case', 'copy', 'wrap'),
    value: values,
  })
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(change, { maxLength: 3 }))
    .map(([document, changes]) => {
      const copy = structuredClone(document)
      // A copy each, or a value that is put in twice could be put into itself.
      for (const { at, how, value } of changes) changeJson(copy, at, how, structuredClone(value))
      return JSON.stringify(copy)
    })
}

function changeJson(document: unknown, at: number, how: string, value: unknown): void {
  const places = placesIn(document)
  const { parent, key } = places[at % (places.length || 1)] ?? {}
  if (!parent || key === undefined) return
  if (how === 'replace') parent[key] = value
  if (how === 'remove') delete parent[key]
  if (how === 'copy') parent[`${key}${key}`] = parent[key]
  if (how === 'other case') parent[key.toUpperCase()] = parent[key]
  if (how === 'wrap') parent[key] = [parent[key]]
}

interface Place {
  readonly parent: Record<string, unknown>
  readonly key: string
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Record<string, unknown>
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])])
}

/** JSON text that is nested as deeply as a body may be long. */
export function deepJson(shells: readonly (readonly [string, string])[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...shells), fc.integer({ min: 1, max: 150_000 }), fc.boolean())
    .map(([[open, close], depth, closed]) => `${open.repeat(depth)}null${closed ? close.repeat(depth) : ''}`)
}

/** These bytes after a few edits. */
export function mutatedBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    at: fc.nat(100_000),
    length: fc.oneof(fc.constant(0), fc.nat(40)),
    insert: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constantFrom(...samples)),
  })
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 }), fc.option(fc.nat(100_000)))
    .map(([sample, edits, cut]) => {
      const whole = edits.reduce<Buffer>((rest, { at, length, insert }) => {
        const start = at % (rest.length + 1)
        return Buffer.concat([rest.subarray(0, start), insert, rest.subarray(start + length)])
      }, Buffer.from(sample))
      return cut === null ? whole : whole.subarray(0, cut % (whole.length + 1))
    })
}

/** A stream of bytes that come in chunks of these sizes, again and again. */
export function streamOf(bytes: Uint8Array, sizes: readonly number[]): Readable {
  return Readable.from(chunksOf(bytes, sizes), { objectMode: false })
}

function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Buffer> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % (sizes.length || 1)] ?? bytes.length)
    yield Buffer.from(bytes.subarray(at, at + size))
    at += size
  }
}
