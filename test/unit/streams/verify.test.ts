import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { type ExpectedContent, verifyContent } from '../../../src/streams/verify.ts'

const content = Buffer.from('the content of a layer')
const digest = digestOf(content)
const size = content.length

const read = (expected: ExpectedContent, chunks: readonly Buffer[] = [content]) =>
  pipeline(Readable.from(chunks), verifyContent(expected, 'layer 1234'), buffer)

test.each<[string, ExpectedContent]>([
  ['digest and size match', { digest, size }],
  ['the digest matches and the size does not matter', { digest }],
  ['a sha512 digest matches', { digest: digestOf(content, 'sha512'), size }],
])('bytes come through unchanged when %s', async (_, expected) => {
  expect(await read(expected, [content.subarray(0, 5), content.subarray(5)])).toEqual(content)
})

test('no bytes at all can be what was promised', async () => {
  expect(await read({ digest: digestOf(''), size: 0 }, [])).toHaveLength(0)
})

const other = digestOf('other')
test.each<[string, ExpectedContent, string]>([
  ['another digest', { digest: other, size }, `layer 1234 is corrupt: its digest is ${digest}, not ${other}`],
  [
    'fewer bytes',
    { digest, size: size + 1 },
    `layer 1234 should have ${size + 1} bytes, but there are ${size}`,
  ],
  ['more bytes', { digest, size: size - 1 }, `layer 1234 should have ${size - 1} bytes, but there are more`],
])('%s than promised is an integrity error that names the content', async (_, expected, message) => {
  await expect(read(expected)).rejects.toMatchObject({ code: 'INTEGRITY', message })
})

test('a stream that is too long is not read to its end', async () => {
  let chunks = 0
  const endless = Readable.from(
    (function* () {
      for (;;) {
        chunks += 1
        yield content
      }
    })(),
  )
  const result = pipeline(endless, verifyContent({ digest, size }, 'layer 1234'), buffer)
  await expect(result).rejects.toMatchObject({ code: 'INTEGRITY' })
  expect(chunks).toBeLessThan(50)
})
