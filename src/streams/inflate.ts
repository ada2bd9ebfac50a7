import { setImmediate as nextTurn } from 'node:timers/promises'
import { DrayError } from '../errors.ts'
import { type Compression, compressionOf, magicLength } from './compression.ts'
import { type Decoder, gzipDecoder, surplus, zstdDecoder } from './decoders.ts'
import { freeMemory } from './free-memory.ts'
import { uncheckedGzipDecoder } from './unchecked-gzip.ts'
import { splitZstd } from './zstd-frames.ts'

/** Of what one call hands to the decoder, in bytes; it may hand back a thousand times as much: that has to fit into memory. */
const pieceSizes = { least: 512, most: 64 * 1024 }
/** What one call should bring at most, and one batch at least. In bytes. */
const wantedSize = 512 * 1024

/**
 * The uncompressed bytes of a layer: gzip (of any number of members), zstd (of any number of frames) or plain, by its
 * first bytes, for media types lie. It is done in the thread that asks, which costs a quarter less than zlib's streams
 * with their way through other threads. `what` names the layer in messages. Throws INTEGRITY when the data is corrupt, cut
 * off or followed by something else, UNSUPPORTED for xz and bzip2, and what `source` throws. A piece of the source may use
 * the memory of the one before.
 */
export async function* inflate(source: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  for await (const { pieces } of inflateSome(source, what, gzipDecoder)) yield* pieces
}

/**
 * The same, for content that is compared with a digest: gzip's own checksums are not computed. It comes half a megabyte at a time,
 * or the rest of a piece of the source. Whoever asks for the next pieces is done with those before: their memory is freed, where
 * garbage collections would come late, or find it in use again and again.
 */
export async function* inflateInBatches(
  source: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<readonly Buffer[]> {
  for await (const { pieces, areOurs } of inflateSome(source, what, uncheckedGzipDecoder)) {
    yield pieces
    if (areOurs) freeMemory(pieces)
  }
}

interface Batch {
  readonly pieces: readonly Buffer[]
  /** Whether nobody else has a part of their memory, such as the decoder. */
  readonly areOurs: boolean
}

async function* inflateSome(
  source: AsyncIterable<Buffer>,
  what: string,
  decoderForGzip: () => Decoder,
): AsyncGenerator<Batch> {
  const { head, rest } = await behead(source)
  const compression = compressionOf(head)
  switch (compression) {
    case 'none':
      for await (const piece of rest) yield { pieces: [piece], areOurs: false }
      return
    case 'gzip':
      return yield* decode(rest, decoderForGzip(), what)
    case 'zstd':
      return yield* inflateZstd(rest, what)
    default:
      throw unsupported(compression, what)
  }
}

/** The first bytes, enough to tell the compression if there are so many, and all of it. */
async function behead(source: AsyncIterable<Buffer>) {
  const iterator = source[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (head.length < magicLength) {
    const { done, value } = await iterator.next()
    if (done) break
    // A copy, for the next piece may come in the memory of this one.
    head = Buffer.concat([head, value])
  }
  async function* rest(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, rest: rest() }
}

/** In milliseconds: then others have a say in this thread, such as whoever interrupts. */
const longestTurn = 50

async function* decode(chunks: AsyncIterable<Buffer>, decoder: Decoder, what: string): AsyncGenerator<Batch> {
  const pieces = { size: pieceSizes.least }
  let turn = performance.now()
  try {
    for await (const chunk of chunks) {
      for (let rest = chunk; rest.length > 0; ) {
        if (performance.now() - turn > longestTurn) {
          await nextTurn()
          turn = performance.now()
        }
        const { batch, read } = explained(what, () => decodeSome(decoder, rest, pieces))
        rest = rest.subarray(read)
        yield { pieces: batch, areOurs: decoder.copies }
      }
    }
    yield { pieces: explained(what, () => decoder.end()), areOurs: decoder.copies }
  } finally {
    decoder.close()
  }
}

function explained<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw corrupt(what, error)
  }
}

/** Piece after piece, until they have brought enough: whoever waits for more waits seldom. */
function decodeSome(
  decoder: Decoder,
  chunk: Buffer,
  pieces: { size: number },
): { readonly batch: Buffer[]; readonly read: number } {
  const batch: Buffer[] = []
  let size = 0
  let read = 0
  while (read < chunk.length && size < wantedSize) {
    const piece = chunk.subarray(read, read + pieces.size)
    let brought = 0
    for (const bytes of decoder.push(piece)) {
      batch.push(bytes)
      brought += bytes.length
    }
    pieces.size = nextPieceSize(piece.length, brought)
    read += piece.length
    size += brought
  }
  return { batch, read }
}

/** What a bomb makes of a piece has to fit into memory. */
function nextPieceSize(size: number, brought: number): number {
  const fitting = Math.floor((size * wantedSize) / (brought + 1))
  return Math.max(pieceSizes.least, Math.min(pieceSizes.most, 2 * size, fitting))
}

async function* inflateZstd(chunks: AsyncIterable<Buffer>, what: string): AsyncGenerator<Batch> {
  const decoder = zstdDecoder(what)
  const blocks = splitZstd(decoder.wantsPortions ? inPortions(chunks) : chunks, { ...decoder, what })
  yield* decode(blocks, decoder, what)
}

const leastPortion = 16 * 1024

async function* inPortions(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let portion: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    portion.push(chunk.length < leastPortion ? Buffer.from(chunk) : chunk)
    size += chunk.length
    if (size < leastPortion) continue
    yield Buffer.concat(portion, size)
    portion = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(portion, size)
}

function corrupt(what: string, cause: unknown): DrayError {
  if (cause instanceof DrayError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  // The header of the first member was seen before; so it is what follows that has none.
  const problem = reason.includes(surplus.message)
    ? 'something follows its gzip data'
    : `it does not decompress (${reason})`
  return new DrayError('INTEGRITY', `${what} is corrupt: ${problem}`, { cause })
}

function unsupported(compression: Compression, what: string): DrayError {
  return new DrayError('UNSUPPORTED', `${what} is compressed with ${compression}, which dray does not read`, {
    hint: 'pull it with the oci format, which keeps layers as they are',
  })
}
