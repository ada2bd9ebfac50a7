import { DrayError } from '../errors.ts'

export interface ZstdLimits {
  /** The longest look back that the decoder can do, in bytes; it takes that much memory. */
  readonly maxWindow: number
  /** Names the content in messages. */
  readonly what: string
  /** Told of each block, before it comes, how far it looks back at most, in bytes. */
  readonly onBlock?: (window: number) => void
}

/**
 * Cuts a zstd stream (RFC 8878, section 3.1) after every block and every frame. Decoders need that: Node's stops
 * at the end of the first frame if more follows in the same write, and one block at a time bounds what comes out.
 * Throws INTEGRITY when the stream ends within a frame or is no zstd, UNSUPPORTED when a frame needs too large a window.
 */
export async function* splitZstd(
  chunks: AsyncIterable<Buffer>,
  limits: ZstdLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const walk = createWalk(limits)
  for await (const chunk of chunks) {
    let start = 0
    for (let end = walk.advance(chunk, start); end > start; end = walk.advance(chunk, start)) {
      yield chunk.subarray(start, end)
      start = end
    }
  }
  if (!walk.betweenFrames()) {
    throw new DrayError('INTEGRITY', `${limits.what} is corrupt: its zstd data ends too early`)
  }
}

/** What is left to be read of a stream: a header, then the bytes that it announces. */
interface Step {
  readonly header: 'frame' | 'block'
  /** Bytes before that header. */
  readonly body: number
  /** Of the frame that is being read: it ends in four bytes of checksum. */
  readonly checksum: boolean
  /** Of the frame that is being read, in bytes. */
  readonly window: number
}

const betweenFrames: Step = { header: 'frame', body: 0, checksum: false, window: 0 }

/** Follows the structure of the stream; `advance` tells where in a chunk the next cut is. */
function createWalk(limits: ZstdLimits) {
  const header = Buffer.alloc(longestHeader)
  let filled = 0
  let step = betweenFrames
  return {
    betweenFrames: () => filled === 0 && step.header === 'frame' && step.body === 0,
    advance(chunk: Buffer, start: number): number {
      let at = start
      while (at < chunk.length) {
        if (step.body > 0) {
          const taken = Math.min(step.body, chunk.length - at)
          step = { ...step, body: step.body - taken }
          at += taken
          if (step.body === 0) return at
        } else {
          header[filled++] = chunk[at++] ?? 0
          if (filled < headerLength(header, filled, step)) continue
          step =
            step.header === 'frame'
              ? afterFrameHeader(header, limits)
              : afterBlockHeader(header, step, limits)
          filled = 0
          if (step.header === 'frame' && step.body === 0) return at
        }
      }
      return at
    },
  }
}

const longestHeader = 18

/** How long the header is whose first `filled` bytes are known. */
function headerLength(header: Buffer, filled: number, step: Step): number {
  if (step.header === 'block') return 3
  if (filled < 5) return 5
  if (isSkippable(header)) return 8
  const { singleSegment, dictionaryBytes, sizeBytes } = frameFlags(header)
  return 5 + (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes
}

function afterFrameHeader(header: Buffer, limits: ZstdLimits): Step {
  if (isSkippable(header)) return { ...betweenFrames, body: header.readUInt32LE(4) }
  if (header.readUInt32LE(0) !== 0xfd2fb528) {
    throw new DrayError('INTEGRITY', `${limits.what} is corrupt: something follows its zstd data`)
  }
  const window = windowSize(header)
  if (window > limits.maxWindow) {
    throw new DrayError('UNSUPPORTED', `${limits.what} is zstd with a window of ${mebibytes(window)} MiB`, {
      hint: `this version of Node.js can unpack up to ${mebibytes(limits.maxWindow)} MiB`,
    })
  }
  return { header: 'block', body: 0, checksum: frameFlags(header).checksum, window }
}

function afterBlockHeader(header: Buffer, { checksum, window }: Step, { onBlock }: ZstdLimits): Step {
  onBlock?.(window)
  const bits = header.readUIntLE(0, 3)
  const isLast = (bits & 1) === 1
  const isRunLength = ((bits >> 1) & 3) === 1
  const body = isRunLength ? 1 : bits >> 3
  return isLast
    ? { ...betweenFrames, body: body + (checksum ? 4 : 0) }
    : { header: 'block', body, checksum, window }
}

function isSkippable(header: Buffer): boolean {
  return header.readUInt32LE(0) >>> 4 === 0x184d2a5
}

function frameFlags(header: Buffer) {
  const flags = header.readUInt8(4)
  const singleSegment = (flags & 0x20) !== 0
  return {
    singleSegment,
    checksum: (flags & 0x04) !== 0,
    dictionaryBytes: [0, 1, 2, 4][flags & 3] ?? 0,
    sizeBytes: [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0,
  }
}

/** A frame of a single segment is its own window; otherwise the window is three bits of mantissa, five of exponent. */
function windowSize(header: Buffer): number {
  const { singleSegment, dictionaryBytes, sizeBytes } = frameFlags(header)
  if (singleSegment) return contentSize(header.subarray(5 + dictionaryBytes), sizeBytes)
  const descriptor = header.readUInt8(5)
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function contentSize(field: Buffer, bytes: number): number {
  if (bytes === 8) return field.readUInt32LE(0) + field.readUInt32LE(4) * 2 ** 32
  return field.readUIntLE(0, bytes) + (bytes === 2 ? 256 : 0)
}

function mebibytes(size: number): number {
  return Math.ceil(size / 2 ** 20)
}
