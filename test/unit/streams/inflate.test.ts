import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { inflate, inflateInBatches } from '../../../src/streams/inflate.ts'
import { noise } from '../../support/image-builder.ts'

/** Does not fit into one chunk of what goes in, nor of what comes out. */
const content = Buffer.concat([noise(32 * 20_000), Buffer.alloc(1_000_000)])
const member = gzipSync(content)
const numbers = gzipSync(Array.from({ length: 200_000 }, (_, i) => i).join(' '))
const zeros = (size: number) => Buffer.alloc(size)

function inChunks(bytes: Buffer, size: number): Readable {
  const count = Math.ceil(bytes.length / size)
  return Readable.from(Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size)))
}

type Unpack = (source: AsyncIterable<Buffer>) => Promise<Buffer>

const unpack: Unpack = async (source) => {
  const pieces: Buffer[] = []
  for await (const piece of inflate(source, 'layer 1')) pieces.push(piece)
  return Buffer.concat(pieces)
}

const unpackInBatches: Unpack = async (source) => {
  const pieces: Buffer[] = []
  // Copies, for what a batch holds is gone with the next one.
  for await (const batch of inflateInBatches(source, 'layer 1')) pieces.push(Buffer.concat(batch))
  return Buffer.concat(pieces)
}

/** One that ends with the member too: what follows is then a chunk of its own. */
const chunkSizes = [1000, 65_536, member.length, 100_000_000]

const surplus = /^layer 1 is corrupt: something follows its gzip data$/
const corrupt = /^layer 1 is corrupt: it does not decompress \(.+\)$/

/** RFC 1952 section 2.3: the flags of the header, and what it holds then. */
const headers: readonly (readonly [string, number, Buffer])[] = [
  ['nothing more', 0, Buffer.alloc(0)],
  ['a hint that it is text', 1, Buffer.alloc(0)],
  ['a checksum', 2, Buffer.alloc(2)],
  ['an extra field', 4, Buffer.from('\x05\x00a\0b\0c')],
  ['an empty extra field', 4, Buffer.alloc(2)],
  ['a name', 8, Buffer.from('layer.tar\0')],
  ['a name longer than a chunk', 8, Buffer.from(`${'n'.repeat(70_000)}\0`)],
  ['a comment', 16, Buffer.from('made by hand\0')],
  ['all that there is', 31, Buffer.from('\x02\x00\0\0layer.tar\0made by hand\0??')],
]

function withHeader(flags: number, rest: Buffer): Buffer {
  const start = Buffer.from(member.subarray(0, 10))
  start[3] = flags
  const header = Buffer.concat([start, rest])
  if (flags & 2) header.writeUInt16LE(crc32(header.subarray(0, -2)) % 2 ** 16, header.length - 2)
  return Buffer.concat([header, member.subarray(10)])
}

function spoilt(at: number): Buffer {
  const bytes = Buffer.from(member)
  bytes.writeUInt8(bytes.readUInt8(bytes.length + at) ^ 1, bytes.length + at)
  return bytes
}

describe.each<[string, Unpack]>([
  ['with its checksums', unpack],
  ['without them', unpackInBatches],
])('gzip, %s', (_, unpack) => {
  test.each(chunkSizes)('members come out as one, in chunks of %d bytes', async (size) => {
    const packed = Buffer.concat([member, gzipSync(''), member, gzipSync('end')])
    const unpacked = await unpack(inChunks(packed, size))
    expect(unpacked.equals(Buffer.concat([content, content, Buffer.from('end')]))).toBe(true)
  })

  test.each<[string, Buffer, RegExp]>([
    ['a zero', zeros(1), surplus],
    ['zeros up to a block', zeros(511), surplus],
    ['more zeros than a buffer has', zeros(5_000_000), surplus],
    ['zeros and a member', Buffer.concat([zeros(8), member]), surplus],
    ['zeros and many members', Buffer.concat([zeros(8), ...Array(20).fill(member)]), surplus],
    ['zeros and noise', Buffer.concat([zeros(70_000), noise(3_200_000)]), surplus],
    ['words', Buffer.from('garbage'), surplus],
    ['noise', noise(3_200_000), surplus],
    ['a letter', Buffer.from('x'), corrupt],
    ['half a header', member.subarray(0, 6), corrupt],
    ['half a member', member.subarray(0, 5000), corrupt],
  ])('what follows the last member is not passed over: %s', async (_, tail, message) => {
    for (const size of chunkSizes) {
      const failure = unpack(inChunks(Buffer.concat([member, tail]), size))
      await expect(failure).rejects.toMatchObject({
        code: 'INTEGRITY',
        message: expect.stringMatching(message),
      })
    }
  })

  test.each([
    ['cut', member.subarray(0, -20)],
    ['cut in its header', member.subarray(0, 5)],
    ['without its checksum', Buffer.concat([member.subarray(0, -8), zeros(8)])],
    ['broken in the middle', Buffer.concat([numbers.subarray(0, 5000), zeros(500), numbers.subarray(5500)])],
  ])('gzip that is %s is an integrity error', async (_, packed) => {
    for (const size of chunkSizes) {
      await expect(unpack(inChunks(packed, size))).rejects.toMatchObject({
        code: 'INTEGRITY',
        message: expect.stringMatching(corrupt),
      })
    }
  })

  test.each(headers)('a header may hold %s', async (_, flags, rest) => {
    const packed = withHeader(flags, rest)
    expect(gunzipSync(packed).equals(content)).toBe(true)
    for (const size of [...chunkSizes, 1]) {
      const source = inChunks(packed.subarray(0, size === 1 ? 200 : undefined), size)
      if (size === 1)
        await expect(unpack(source)).rejects.toMatchObject({ message: expect.stringMatching(corrupt) })
      else expect((await unpack(source)).equals(content)).toBe(true)
    }
  })

  test('a length that is wrong is an integrity error', async () => {
    for (const size of chunkSizes) {
      await expect(unpack(inChunks(spoilt(-1), size))).rejects.toMatchObject({ code: 'INTEGRITY' })
    }
  })
})

test('a checksum that is wrong is an integrity error, but where a digest is compared anyway', async () => {
  const broken = Buffer.concat([member.subarray(0, 5000), zeros(500), member.subarray(5500)])
  for (const packed of [spoilt(-8), broken]) {
    for (const size of chunkSizes) {
      await expect(unpack(inChunks(packed, size))).rejects.toMatchObject({
        code: 'INTEGRITY',
        message: expect.stringMatching(corrupt),
      })
    }
  }
  expect((await unpackInBatches(inChunks(spoilt(-8), 65_536))).equals(content)).toBe(true)
  const second = unpackInBatches(inChunks(Buffer.concat([member, spoilt(-8)]), 65_536))
  await expect(second).rejects.toMatchObject({ code: 'INTEGRITY' })
})

test('what the source fails with comes through', async () => {
  async function* failing() {
    yield member.subarray(0, 70_000)
    throw new Error('the disk is gone')
  }
  await expect(unpack(failing())).rejects.toThrow('the disk is gone')
})

test('who reads no further leaves nothing running', async () => {
  const source = inChunks(Buffer.concat(Array(50).fill(member)), 65_536)
  let seen = 0
  const reading = pipeline(
    source,
    (chunks: AsyncIterable<Buffer>) => inflate(chunks, 'layer 1'),
    async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) {
        seen += piece.length
        if (seen > content.length) throw new Error('enough')
      }
    },
  )
  await expect(reading).rejects.toThrow('enough')
  expect(source.destroyed).toBe(true)
})
