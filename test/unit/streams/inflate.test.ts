import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { inflate } from '../../../src/streams/inflate.ts'
import { noise } from '../../support/image-builder.ts'

/** Does not fit into one chunk of what goes in, nor of what comes out. */
const content = Buffer.concat([noise(32 * 20_000), Buffer.alloc(1_000_000)])
const member = gzipSync(content)
const zeros = (size: number) => Buffer.alloc(size)

function inChunks(bytes: Buffer, size: number): Readable {
  const count = Math.ceil(bytes.length / size)
  return Readable.from(Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size)))
}

async function unpack(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of inflate(source, 'layer 1')) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** One that ends with the member too: what follows is then a chunk of its own. */
const chunkSizes = [1000, 65_536, member.length, 100_000_000]

test.each(chunkSizes)('members come out as one, in chunks of %d bytes', async (size) => {
  const packed = Buffer.concat([member, gzipSync(''), member, gzipSync('end')])
  const unpacked = await unpack(inChunks(packed, size))
  expect(unpacked.equals(Buffer.concat([content, content, Buffer.from('end')]))).toBe(true)
})

const surplus = /^layer 1 is corrupt: something follows its gzip data$/
const corrupt = /^layer 1 is corrupt: it does not decompress \(.+\)$/

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
  ['broken in the middle', Buffer.concat([member.subarray(0, 5000), zeros(500), member.subarray(5500)])],
])('gzip that is %s is an integrity error', async (_, packed) => {
  for (const size of chunkSizes) {
    await expect(unpack(inChunks(packed, size))).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringMatching(corrupt),
    })
  }
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
