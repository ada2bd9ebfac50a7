import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { digestOf } from '../../src/oci/digest.ts'
import { decompress } from '../../src/streams/decompress.ts'
import { inflate } from '../../src/streams/inflate.ts'
import { verifyContent } from '../../src/streams/verify.ts'
import { splitZstd } from '../../src/streams/zstd-frames.ts'
import { verifyArchive } from '../../src/verify/verify-archive.ts'
import { json, layouts, packItems } from '../support/archive-layouts.ts'
import { buildImage, layerOf } from '../support/image-builder.ts'
import { mutatedBytes, streamOf } from './arbitraries.ts'
import { property, unlessRejected, unprintable } from './property.ts'

const zstd = readFileSync('test/fixtures/bottles.zst')
const rawFrame = Buffer.concat([Buffer.from('28b52ffd2003190000', 'hex'), Buffer.from('abc')])
const skippable = Buffer.from('502a4d1803000000616263', 'hex')
const runs = Buffer.concat([
  Buffer.from('28b52ffd0038', 'hex'),
  ...Array.from({ length: 50 }, () => Buffer.from('02001061', 'hex')),
  Buffer.from('010000', 'hex'),
])
const text = Buffer.from('the content of a layer '.repeat(50))

const samples = [
  Buffer.concat([gzipSync(text), Buffer.alloc(2_000_000)]),
  Buffer.concat([gzipSync(text), Buffer.alloc(100), gzipSync(text)]),
  gzipSync(text),
  gzipSync(Buffer.alloc(2_000_000)),
  Buffer.concat([gzipSync(text), gzipSync(text)]),
  zstd,
  Buffer.concat([rawFrame, skippable, rawFrame]),
  runs,
  text,
  Buffer.from('fd377a585a000004', 'hex'),
]

const chunkSizes = fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 4 })

const anyBytes = fc.oneof(
  { weight: 4, arbitrary: mutatedBytes(samples) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', '1f8b08', '28b52ffd', '502a4d18', 'fd377a585a00', '425a68'),
        fc.uint8Array({ maxLength: 200 }),
      )
      .map(([magic, rest]) => Buffer.concat([Buffer.from(magic, 'hex'), rest])),
  },
)

/** More than this comes out of nothing that is tried here but a bomb, which is left then. */
const enough = 50_000_000

async function countBytes(stream: Readable): Promise<number> {
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > enough) break
  }
  return size
}

const image = buildImage({ layers: [layerOf(Buffer.concat([text, Buffer.alloc(1500)]))] })
const archives = await Promise.all([
  ...Object.values(layouts).map((layout) => packItems(layout(image, 'docker.io/library/app:1'))),
  packItems([
    {
      name: 'manifest.json',
      content: json([{ Config: '../../etc/passwd', RepoTags: null, Layers: ['/a'] }]),
    },
  ]),
])

export const byteProperties = [
  property(
    'bytes that are not what was promised do not come through',
    [fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), chunkSizes, fc.nat(300)],
    async (promised, sent, sizes, size) => {
      const digest = digestOf(promised)
      const checked = streamOf(sent, sizes).pipe(verifyContent({ digest, size }, 'it'))
      const whole = await unlessRejected(countBytes(checked))
      const isRight = Buffer.compare(promised, sent) === 0 && size === sent.length
      assert.equal(whole !== undefined, isRight)
    },
  ),
  property(
    'a layer is unpacked, or refused, however it is compressed and cut into chunks',
    [anyBytes, chunkSizes],
    async (bytes, sizes) => {
      await unlessRejected(countBytes(decompress(streamOf(bytes, sizes), 'layer 1234')))
    },
  ),
  property(
    'how a layer is cut into chunks makes no difference',
    [mutatedBytes(samples.slice(0, -1)), chunkSizes],
    async (bytes, sizes) => {
      const read = (pieces: readonly number[]) =>
        unlessRejected(countBytes(decompress(streamOf(bytes, pieces), 'layer 1234')))
      assert.equal(await read(sizes), await read([]))
    },
  ),
  property(
    'gzip is members and nothing else, as engines read it: whatever follows the last is refused',
    [
      fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 4 }),
      fc.oneof(
        fc.constant(new Uint8Array()),
        fc.uint8Array({ minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 200_000 }).map((size) => new Uint8Array(size)),
        fc.constantFrom(...['00', '1f', '1f8b', '1f8b08', '001f8b08'].map((hex) => Buffer.from(hex, 'hex'))),
      ),
      chunkSizes,
    ],
    async (members, tail, sizes) => {
      const packed = Buffer.concat([...members.map((member) => gzipSync(member)), tail])
      const pieces: Buffer[] = []
      const unpack = async () => {
        for await (const piece of inflate(streamOf(packed, sizes), 'it')) pieces.push(piece)
        return true
      }
      assert.equal(await unlessRejected(unpack()), tail.length === 0 ? true : undefined)
      if (tail.length === 0) assert.ok(Buffer.concat(pieces).equals(Buffer.concat(members)))
    },
  ),
  property(
    'a zstd stream is cut without a byte lost, or refused',
    [mutatedBytes([zstd, runs, Buffer.concat([rawFrame, skippable, rawFrame])]), chunkSizes],
    async (bytes, sizes) => {
      const pieces: Buffer[] = []
      const split = async () => {
        const source = streamOf(bytes, sizes)
        for await (const piece of splitZstd(source, { maxWindow: 2 ** 25, what: 'it' })) pieces.push(piece)
        return true
      }
      const isWhole = await unlessRejected(split())
      const passed = Buffer.concat(pieces)
      assert.ok(passed.equals(bytes.subarray(0, passed.length)))
      if (isWhole) assert.equal(passed.length, bytes.length)
      assert.ok(pieces.every((piece) => piece.length > 0))
    },
  ),
  property(
    'an archive, whatever it is, gets a verdict that can be printed',
    [
      fc.oneof(
        mutatedBytes(archives),
        mutatedBytes(archives.map((archive) => gzipSync(archive, { level: 1 }))),
        anyBytes,
      ),
      chunkSizes,
    ],
    async (bytes, sizes) => {
      const source = streamOf(
        bytes,
        sizes.map((size) => size + 200),
      )
      const verdict = await unlessRejected(verifyArchive(source, { name: 'image.tar' }))
      if (!verdict) return
      assert.equal(verdict.ok, verdict.problems.length === 0)
      assert.doesNotMatch(
        JSON.stringify(verdict.problems.map((problem) => Object.values(problem).join(' '))),
        unprintable,
      )
    },
  ),
]
