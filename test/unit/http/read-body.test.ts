import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { discardBody, readBody } from '../../../src/http/read-body.ts'

function bodyOf(...chunks: string[]): Readable {
  return Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  )
}

describe('readBody', () => {
  test.each([
    [['ab', 'c'], 3, 'abc', true],
    [['ab', 'cd'], 3, 'abc', false],
    [[], 3, '', true],
  ])('of %j reads at most %i bytes', async (chunks, limit, text, whole) => {
    const read = await readBody(bodyOf(...chunks), limit)
    expect({ text: Buffer.from(read.bytes).toString(), whole: read.whole }).toEqual({ text, whole })
  })

  test('does not wait for what it does not want', async () => {
    const body = new Readable({ read() {} })
    body.push('abcdef')
    await readBody(body, 3)
    expect(body.destroyed).toBe(true)
  })

  test('fails when the body breaks off', async () => {
    const body = new Readable({
      read() {
        this.destroy(new Error('reset'))
      },
    })
    await expect(readBody(body, 3)).rejects.toThrow('reset')
  })
})

describe('discardBody', () => {
  test('reads a short body to its end, so that the connection is free', async () => {
    const body = bodyOf('short')
    discardBody(body)
    await once(body, 'end')
  })

  test('cuts an endless one, and does not mind how it ends', async () => {
    const body = new Readable({
      read() {
        this.push(Buffer.alloc(16_384))
      },
    })
    discardBody(body)
    await new Promise((resolve) => body.once('close', resolve))
    discardBody(
      new Readable({
        read() {
          this.destroy(new Error('reset'))
        },
      }),
    )
  })
})
