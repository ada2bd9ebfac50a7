import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { breakRelay, createRelay, receive, sinkToRelay } from '../../../src/archive/layer-relay.ts'

/** Collects what it is given; as with a sink for a file, what a piece lies in may change after it. */
function collectingSink() {
  const pieces: Buffer[] = []
  let hasEnded = false
  return {
    write(written: readonly Uint8Array[]) {
      pieces.push(...written.map((piece) => Buffer.from(piece)))
      return Buffer.concat(written).length
    },
    end() {
      hasEnded = true
    },
    content: () => Buffer.concat(pieces),
    hasEnded: () => hasEnded,
  }
}

test.each([
  ['nothing', []],
  ['pieces of all sizes', [1, 128 * 1024, 100_000, 0, 17]],
  ['a piece that is larger than what is handed over at once', [300_000]],
])('%s comes out as it went in', (_, sizes) => {
  const pieces = sizes.map((size) => randomBytes(size))
  const relay = createRelay()
  const sender = sinkToRelay(relay)
  for (const piece of pieces) sender.write([piece])
  sender.end()
  const sink = collectingSink()
  expect(receive(relay, sink)).toBe(Buffer.concat(pieces).length)
  expect(sink.content().equals(Buffer.concat(pieces))).toBe(true)
  expect(sink.hasEnded()).toBe(true)
})

test('a broken relay ends both sides, and is no end of the content', () => {
  const relay = createRelay()
  const sender = sinkToRelay(relay)
  sender.write([randomBytes(10)])
  breakRelay(relay)
  const sink = collectingSink()
  expect(() => receive(relay, sink)).toThrow(expect.objectContaining({ code: 'ABORTED' }))
  expect(sink.hasEnded()).toBe(false)
  expect(() => sender.write([randomBytes(10)])).toThrow(expect.objectContaining({ code: 'ABORTED' }))
  sender.end()
  expect(() => receive(relay, sink)).toThrow(expect.objectContaining({ code: 'ABORTED' }))
})

test('what has been sent in full is received even when its sender is gone', () => {
  const relay = createRelay()
  const sender = sinkToRelay(relay)
  sender.write([Buffer.from('all')])
  sender.end()
  breakRelay(relay)
  const sink = collectingSink()
  receive(relay, sink)
  expect(sink.content().toString()).toBe('all')
})
