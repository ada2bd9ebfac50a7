import { quote } from '../errors.ts'
import { type ByteCursor, openCursor } from './byte-cursor.ts'
import { decodePax, decodeTarHeader, type TarHeader } from './tar-header.ts'
import type { Problem } from './verdict.ts'

export interface TarEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'hard link' | 'device' | 'FIFO' | 'unknown'
  readonly name: string
  /** What a link points to. */
  readonly target: string
  /** In bytes. */
  readonly size: number
  /** Where its header begins. */
  readonly offset: number
  /** To be read at once, or not at all. The first piece has the first 512 bytes, or all. It ends early where the tar does. */
  readonly content: AsyncIterable<Buffer>
}

export interface TarEnd {
  /** How many bytes were read. */
  readonly size: number
  /** Two blocks of zeros. */
  readonly endMark: 'whole' | 'cut' | 'missing'
  /** What kept the rest from being read, or what is wrong with the end. */
  readonly problem?: Problem
  /** All entries were read. */
  readonly complete: boolean
}

const blockSize = 512
const zeros = Buffer.alloc(64 * 1024)

/** Longer than any name in an archive of images by far; what is kept of an archive must be little. */
const longestName = 512
const mostEntries = 20_000
const largestExtra = 1024 * 1024

/**
 * Walks over a tar (POSIX ustar and pax, GNU) once, with every entry in its turn. Does not throw for what is wrong with
 * the tar: where it cannot be read on, the walk ends, and says so. Throws what the source and `onEntry` throw.
 */
export async function readTar(
  source: AsyncIterable<Buffer>,
  onEntry: (entry: TarEntry) => Promise<void>,
): Promise<TarEnd> {
  const cursor = openCursor(source)
  let extras: Extras = {}
  for (let count = 0; ; count++) {
    const offset = cursor.position()
    const block = await cursor.exactly(blockSize)
    if (block.length === 0) return { size: offset, endMark: 'missing', complete: true }
    const stop = (message: string, kind?: Problem['kind']) => broken(cursor, offset, message, kind)
    if (block.length < blockSize) return stop(cutShort(cursor, 'within the header of an entry'))
    if (isZero(block)) return readEnd(cursor)
    const header = decodeTarHeader(block)
    if (!header) return stop('there is no tar header, or a damaged one: its checksum is wrong')
    if (count === mostEntries) return stop(`there are more than ${mostEntries} entries`, 'unreadable')

    const { type, name, target, size } = isExtra(header) ? header : { ...header, ...extras }
    const what = name === '' ? 'an entry without a name' : quote(name)
    if (!Number.isSafeInteger(size) || size < 0)
      return stop(`the header of ${what} has a size that is no number`)
    if (isExtra(header)) {
      const read = await readExtra(header, cursor)
      if (typeof read === 'string') return stop(read)
      extras = { ...extras, ...read }
      continue
    }
    extras = {}
    if (Buffer.byteLength(name) > longestName)
      return stop(`a name has ${Buffer.byteLength(name)} bytes`, 'unreadable')
    const content = takeContent(cursor, type === 'file' || type === 'unknown' ? size : 0)
    await onEntry({ type: asEntry(type), name, target, size: content.size, offset, content: content.pieces })
    const missing = await content.skip()
    if (missing > 0) {
      const there = `${content.size - missing} of its ${content.size} bytes are there`
      return broken(cursor, offset, `${cutShort(cursor)}: ${there}`, 'broken', what)
    }
    const padding = (blockSize - (content.size % blockSize)) % blockSize
    if ((await cursor.exactly(padding)).length < padding) {
      return broken(cursor, offset, cutShort(cursor, 'right after its content'), 'broken', what)
    }
  }
}

function broken(
  cursor: ByteCursor,
  offset: number,
  message: string,
  kind: Problem['kind'] = 'broken',
  what?: string,
): TarEnd {
  const place = what === undefined ? `byte ${offset}` : `${what}, at byte ${offset}`
  return {
    size: cursor.position(),
    endMark: 'missing',
    complete: false,
    problem: { kind, place, message },
  }
}

function cutShort(cursor: ByteCursor, where?: string): string {
  return `the archive is cut short: it ends at byte ${cursor.position()}${where ? `, ${where}` : ''}`
}

function isZero(piece: Buffer): boolean {
  return piece.length <= zeros.length
    ? piece.equals(zeros.subarray(0, piece.length))
    : piece.every((byte) => byte === 0)
}

/** Behind the first block of zeros nothing but zeros may come; programs fill up to their own block size. */
async function readEnd(cursor: ByteCursor): Promise<TarEnd> {
  let seen = blockSize
  let problem: Problem | undefined
  for (;;) {
    const piece = await cursor.next(zeros.length)
    if (piece.length === 0) break
    if (!problem && !isZero(piece)) {
      const first = cursor.position() - piece.length + piece.findIndex((byte) => byte !== 0)
      const message = 'something follows the end of the archive, which is to be followed by zeros only'
      problem = { kind: 'broken', place: `byte ${first}`, message }
    }
    seen += piece.length
  }
  const endMark = seen < 2 * blockSize ? 'cut' : 'whole'
  return { size: cursor.position(), endMark, complete: true, ...(problem && { problem }) }
}

/** What a header before the header says of an entry. */
type Extras = { readonly name?: string; readonly target?: string; readonly size?: number }

function isExtra({ type }: TarHeader): boolean {
  return ['pax', 'global', 'long name', 'long target'].includes(type)
}

/** Resolves to a sentence when it cannot be read. */
async function readExtra({ type, size }: TarHeader, cursor: ByteCursor): Promise<Extras | string> {
  if (size > largestExtra) return `a header of type ${type} wants ${size} bytes`
  const bytes = await cursor.exactly(size)
  const padding = (blockSize - (size % blockSize)) % blockSize
  const padded = await cursor.exactly(padding)
  if (bytes.length < size || padded.length < padding) return cutShort(cursor, 'within the header of an entry')
  if (type === 'long name') return { name: untilZero(bytes) }
  if (type === 'long target') return { target: untilZero(bytes) }
  return readPax(bytes, type)
}

function untilZero(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\0[\s\S]*$/, '')
}

function readPax(bytes: Buffer, type: TarHeader['type']): Extras | string {
  const records = decodePax(bytes)
  if (!records) return 'a pax header is malformed'
  if (type === 'global') return {}
  const [name, target, size] = ['path', 'linkpath', 'size'].map((key) => records.get(key))
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse'))) {
    return 'an entry is a sparse file of GNU tar, which no engine reads'
  }
  return {
    ...(name !== undefined && { name }),
    ...(target !== undefined && { target }),
    ...(size !== undefined && { size: /^\d+$/.test(size) ? Number(size) : Number.NaN }),
  }
}

function asEntry(type: TarHeader['type']): TarEntry['type'] {
  switch (type) {
    case 'pax':
    case 'global':
    case 'long name':
    case 'long target':
      return 'unknown'
    default:
      return type
  }
}

/** The next bytes as content; `skip` passes over what was not read, and tells how many were not there. */
function takeContent(cursor: ByteCursor, size: number) {
  let left = size
  async function* pieces(): AsyncGenerator<Buffer> {
    const head = await cursor.exactly(Math.min(left, blockSize))
    left -= head.length
    if (head.length > 0) yield head
    while (left > 0) {
      const piece = await cursor.next(left)
      if (piece.length === 0) return
      left -= piece.length
      yield piece
    }
  }
  const skip = async () => {
    while (left > 0) {
      const piece = await cursor.next(left)
      if (piece.length === 0) break
      left -= piece.length
    }
    return left
  }
  return { size, pieces: pieces(), skip }
}
