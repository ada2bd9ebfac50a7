import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { expectedSize } from '../../../src/archive/expected-size.ts'
import { tarOf } from '../../support/images.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const tar = tarOf('some text')
const gzip = gzipSync(tar)

/** A gzip that says of itself that it holds so much. */
function claiming(size: number): Buffer {
  const bytes = Buffer.from(gzip)
  bytes.writeUInt32LE(size, bytes.length - 4)
  return bytes
}

test.each<[string, Buffer, number | undefined]>([
  ['a plain tar has the size that it has', tar, tar.length],
  ['gzip says it at its end', gzip, tar.length],
  ['of several members, the last one speaks', Buffer.concat([gzip, gzip]), tar.length],
  ['a size that is no tar’s is not believed', claiming(1000), undefined],
  ['nor is nothing', claiming(0), undefined],
  [
    'nor less than there is already',
    Buffer.concat([Buffer.from('1f8b08', 'hex'), Buffer.alloc(3000, 1), claiming(512)]),
    undefined,
  ],
  ['nor more than deflate can pack', claiming(512 * 1024), undefined],
  ['zstd says nothing', Buffer.from('28b52ffd2058000000', 'hex'), undefined],
  ['a gzip that is cut off says nothing', Buffer.from('1f8b08', 'hex'), undefined],
  ['nothing has no size but 0', Buffer.alloc(0), 0],
])('%s', async (_, blob, size) => {
  const path = join(temporaryDirectory(), 'blob')
  await writeFile(path, blob)
  const file = await open(path)
  expect(await expectedSize(file, blob.length).finally(() => file.close())).toBe(size)
})
