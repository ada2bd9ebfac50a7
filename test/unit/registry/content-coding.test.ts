import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { contentCoding } from '../../../src/registry/content-coding.ts'

/** Like those of the network, which fail when they are let go of before they have come in. */
const unfinishedBody = () =>
  new Readable({
    read() {
      this.push('x'.repeat(16 * 1024))
    },
    destroy: (error, done) => done(error ?? new Error('the request was aborted')),
  })

const answer = (coding: string | undefined, body: Readable = Readable.from([])) => ({
  ...{ status: 200, url: new URL('http://registry/v2/'), body },
  headers: coding === undefined ? {} : { 'content-encoding': coding },
})

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  [' X-GZip', 'gzip'],
])('%s is %s', (coding, expected) => {
  expect(contentCoding(answer(coding))).toBe(expected)
})

test.each(['br', 'zstd', 'gzip, gzip'])(
  '%s is refused, and the body is let go of without a word',
  async (coding) => {
    const body = unfinishedBody()
    const crashes: unknown[] = []
    const note = (error: unknown) => crashes.push(error)
    process.on('uncaughtException', note)
    onTestFinished(() => void process.off('uncaughtException', note))
    expect(() => contentCoding(answer(coding, body))).toThrow(`coded as ${coding}`)
    while (!body.closed) await setImmediate()
    await setImmediate()
    expect(crashes).toEqual([])
  },
)
