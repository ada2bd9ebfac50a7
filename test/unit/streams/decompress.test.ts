import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import zlib, { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { DrayError } from '../../../src/errors.ts'
import { decompress } from '../../../src/streams/decompress.ts'

const bottles = Buffer.from(
  Array.from({ length: 20_000 }, (_, i) => `${(i * 7919) % 20_011} bottles\n`).join(''),
)
const zstdBottles = readFileSync(new URL('../../fixtures/bottles.zst', import.meta.url))
const skippable = Buffer.from('502a4d180500000068656c6c6f', 'hex')

/** In chunks of `size` bytes, so that magic numbers and headers fall across chunks. */
function inChunks(bytes: Buffer, size: number): Readable {
  const count = Math.ceil(bytes.length / size)
  const chunks = Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
  return Readable.from(chunks, { objectMode: false })
}

const inflate = (bytes: Buffer, chunk = 1000) => buffer(decompress(inChunks(bytes, chunk), 'layer 1234'))

const member = gzipSync(bottles)
const some = bottles.subarray(0, 3000)
const shortMember = gzipSync(some)
const readable: [string, Buffer, Buffer][] = [
  ['gzip', shortMember, some],
  [
    'gzip of several members',
    Buffer.concat([shortMember, gzipSync('x'), shortMember]),
    Buffer.concat([some, Buffer.from('x'), some]),
  ],
  ['an empty gzip', gzipSync(''), Buffer.alloc(0)],
  ['a plain tar', some, some],
  ['fewer bytes than a magic number has', Buffer.from('abc'), Buffer.from('abc')],
  ['a single byte of a magic number', Buffer.from([0x1f]), Buffer.from([0x1f])],
  ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
]

describe.each([1, 7, 100_000_000])('in chunks of %i bytes', (chunk) => {
  test.each(readable)('%s comes out as it was', async (_, packed, expected) => {
    expect((await inflate(packed, chunk)).equals(expected)).toBe(true)
  })
})

test.each<[string, Buffer]>([
  ['a gzip that is cut off', member.subarray(0, -20)],
  ['a gzip with a wrong checksum', Buffer.concat([member.subarray(0, -8), Buffer.alloc(8)])],
  [
    'a gzip with a broken block',
    Buffer.concat([member.subarray(0, 500), Buffer.alloc(500), member.subarray(1000)]),
  ],
  ['a gzip with something after it', Buffer.concat([member, Buffer.from('garbage')])],
])('%s is an integrity error that keeps its cause', async (_, packed) => {
  const error = await inflate(packed).catch((error) => error)
  expect(error).toMatchObject({
    code: 'INTEGRITY',
    message: expect.stringContaining('layer 1234 is corrupt'),
  })
  expect(error.cause).toBeInstanceOf(Error)
})

test.each([
  ['xz', 'fd377a585a000004'],
  ['bzip2', '425a683931415926'],
])('%s is refused in one sentence', async (name, magic) => {
  await expect(inflate(Buffer.from(magic, 'hex'))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: `layer 1234 is compressed with ${name}, which dray does not read`,
  })
})

const originalDecoder = Object.getOwnPropertyDescriptor(zlib, 'createZstdDecompress')

describe.each(originalDecoder ? ['native', 'JavaScript'] : ['JavaScript'])(
  'zstd by the %s decoder',
  (decoder) => {
    beforeEach(() => {
      if (decoder === 'native' || !originalDecoder) return
      Reflect.deleteProperty(zlib, 'createZstdDecompress')
      return () => Object.defineProperty(zlib, 'createZstdDecompress', originalDecoder)
    })

    test.each([1, 1000, 100_000_000])('reads a frame in chunks of %i bytes', async (chunk) => {
      expect((await inflate(zstdBottles, chunk)).equals(bottles)).toBe(true)
    })

    test.each([1, 1000, 100_000_000])(
      'reads frames and skippable frames to the last, in chunks of %i bytes',
      async (chunk) => {
        const packed = Buffer.concat([
          skippable,
          zstdBottles,
          skippable,
          zstdBottles,
          rawFrame('end'),
          skippable,
        ])
        const expected = Buffer.concat([bottles, bottles, Buffer.from('end')])
        expect((await inflate(packed, chunk)).equals(expected)).toBe(true)
      },
    )

    test('reads thousands of small frames', async () => {
      const packed = Buffer.concat(Array.from({ length: 5000 }, () => rawFrame('x')))
      expect((await inflate(packed, 65_536)).toString()).toBe('x'.repeat(5000))
    })

    test.each<[string, Buffer]>([
      ['within a block', zstdBottles.subarray(0, 20_000)],
      ['within the checksum', zstdBottles.subarray(0, -1)],
      ['within a later frame', Buffer.concat([zstdBottles, zstdBottles.subarray(0, 3)])],
      ['within a skippable frame', Buffer.concat([zstdBottles, skippable.subarray(0, -1)])],
    ])('calls a stream that is cut off %s corrupt', async (_, packed) => {
      await expect(inflate(packed)).rejects.toMatchObject({ code: 'INTEGRITY' })
    })

    test.each<[string, Buffer]>([
      ['zeros after it', Buffer.concat([zstdBottles, Buffer.alloc(512)])],
      ['text after it', Buffer.concat([zstdBottles, Buffer.from('something that is no zstd frame')])],
    ])('calls a stream with %s corrupt', async (_, packed) => {
      await expect(inflate(packed)).rejects.toMatchObject({ code: 'INTEGRITY' })
    })

    test('refuses a window that would take a gigabyte of memory', async () => {
      const frame = Buffer.from('28b52ffd00a0010000', 'hex')
      await expect(inflate(frame)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: 'layer 1234 is zstd with a window of 1024 MiB',
      })
    })

    test('does not take for ever over blocks of nothing with a large window', async () => {
      const frame = Buffer.concat([
        Buffer.from('28b52ffd0078', 'hex'),
        Buffer.alloc(3 * 100_000),
        Buffer.from('010000', 'hex'),
      ])
      const outcome = await inflate(frame, 65_536).catch((error) => error)
      if (decoder === 'native') expect(outcome).toHaveLength(0)
      else {
        expect(outcome).toMatchObject({
          code: 'UNSUPPORTED',
          message: 'layer 1234 is zstd in blocks that are too small for its window',
        })
      }
    })

    test('unpacks no more of a bomb than is read', async () => {
      const block = runLengthBlocks(100_000)
      const stream = decompress(inChunks(block, 100_000_000), 'layer 1234')
      const before = process.memoryUsage().rss
      for await (const _ of stream) break
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
    })
  },
)

/** A zstd frame of one raw block, no checksum. */
function rawFrame(text: string): Buffer {
  return Buffer.concat([
    Buffer.from('28b52ffd20', 'hex'),
    Buffer.from([text.length]),
    Buffer.from([(text.length << 3) | 1, 0, 0]),
    Buffer.from(text),
  ])
}

/** A zstd frame of blocks that take four bytes each and stand for 128 KiB. */
function runLengthBlocks(count: number): Buffer {
  const block = Buffer.from([((131_072 << 3) | 2) & 0xff, (131_072 >> 5) & 0xff, (131_072 >> 13) & 0xff, 0])
  const header = Buffer.from('28b52ffd0038', 'hex')
  return Buffer.concat([header, ...Array.from({ length: count }, () => block), Buffer.from([1, 0, 0])])
}

test('an error of the source comes through as it is', async () => {
  const failure = new DrayError('FILE', 'cannot read it')
  const source = Readable.from(
    (function* () {
      yield member.subarray(0, 100)
      throw failure
    })(),
  )
  await expect(buffer(decompress(source, 'layer 1234'))).rejects.toBe(failure)
})

test.each<[string, Buffer[]]>([
  ['before its first byte', []],
  ['in the middle', [gzipSync(bottles).subarray(0, 5000)]],
])('destroying the result %s destroys the source', async (_, chunks) => {
  const source = new Readable({ read() {} })
  for (const chunk of chunks) source.push(chunk)
  const stream = decompress(source, 'layer 1234')
  if (chunks.length > 0) await new Promise((resolve) => stream.once('readable', resolve))
  const closed = new Promise((resolve) => source.once('close', resolve))
  stream.destroy()
  await closed
  expect(source.destroyed).toBe(true)
})
