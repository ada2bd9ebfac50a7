import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { openFifo } from '../../../src/archive/special-file.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

function makeFifo(): string {
  const path = join(temporaryDirectory(), 'fifo')
  execFileSync('mkfifo', [path])
  return path
}

describe.skipIf(process.platform === 'win32')('a FIFO', () => {
  test('gives its reader all that is written, however late and slowly that one reads', async () => {
    const path = makeFifo()
    const content = Buffer.from(Array.from({ length: 500_000 }, (_, i) => `${i},`).join(''))
    const writing = pipeline(Readable.from([content.subarray(0, 10), content.subarray(10)]), openFifo(path))
    await new Promise((resolve) => setTimeout(resolve, 150))
    const reader = createReadStream(path, { highWaterMark: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    const [read] = await Promise.all([buffer(reader), writing])
    expect(hash(read)).toBe(hash(content))
  })

  test('whose reader goes away is a broken pipe', async () => {
    const path = makeFifo()
    const reading = open(path, 'r').then((file) => file.close())
    const endless = new Readable({ read: () => endless.push(Buffer.alloc(100_000)) })
    await expect(pipeline(endless, openFifo(path))).rejects.toMatchObject({ code: 'EPIPE' })
    await reading
  })

  test('that is gone is an error', async () => {
    const writer = openFifo(join(temporaryDirectory(), 'no'))
    writer.write('x')
    await expect(finished(writer)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
