import { DrayError } from '../errors.ts'
import type { LayerSink } from './layer-sink.ts'

/** What one thread hands to another, piece by piece, in memory that both see; whoever is ahead waits, and does nothing else. */
export type Relay = SharedArrayBuffer

/** In bytes: what inflating hands out fills one or two. */
const slotSize = 128 * 1024
const slotCount = 8
/** Numbers at the beginning: a count of all changes, to wait for the next; pieces sent and received; what has become of it; the size of each piece. */
const at = { changes: 0, sent: 1, received: 2, state: 3, sizes: 4 }
const headSize = 4 * (at.sizes + slotCount)
const states = { open: 0, complete: 1, broken: 2 }

export function createRelay(): Relay {
  return new SharedArrayBuffer(headSize + slotCount * slotSize)
}

/** Sends what is written. Throws ABORTED when the relay has been broken. */
export function sinkToRelay(relay: Relay): LayerSink {
  const { head, slots, change, until } = open(relay)
  let sent = 0
  const send = (piece: Uint8Array) => {
    until(() => sent - Atomics.load(head, at.received) < slotCount)
    const slot = sent % slotCount
    slots[slot]?.set(piece)
    head[at.sizes + slot] = piece.length
    sent += 1
    change(at.sent, sent)
  }
  return {
    write(pieces) {
      let size = 0
      for (const piece of pieces) {
        for (let start = 0; start < piece.length; start += slotSize)
          send(piece.subarray(start, start + slotSize))
        size += piece.length
      }
      return size
    },
    end() {
      settle(relay, states.complete)
    },
  }
}

/** Passes on what is sent, until all of it has come; returns its size in bytes. Throws ABORTED when the relay has been broken, and what the sink does. */
export function receive(relay: Relay, sink: LayerSink): number {
  const { head, slots, change, until } = open(relay)
  const isSent = () => received < Atomics.load(head, at.sent)
  const isOver = () => Atomics.load(head, at.state) === states.complete
  let received = 0
  let size = 0
  for (;;) {
    until(() => isSent() || isOver())
    if (!isSent()) break
    const slot = received % slotCount
    const length = head[at.sizes + slot] ?? 0
    size += sink.write([slots[slot]?.subarray(0, length) ?? new Uint8Array()])
    received += 1
    change(at.received, received)
  }
  sink.end()
  return size
}

/** Ends the work of both sides, unless all has been sent. To be called when one of them will do no more. */
export function breakRelay(relay: Relay): void {
  settle(relay, states.broken)
}

function settle(relay: Relay, state: number): void {
  const { head, change } = open(relay)
  change(at.state, Atomics.load(head, at.state) || state)
}

function open(relay: Relay) {
  const head = new Int32Array(relay, 0, at.sizes + slotCount)
  const slots = Array.from(
    { length: slotCount },
    (_, slot) => new Uint8Array(relay, headSize + slot * slotSize, slotSize),
  )
  const change = (index: number, value: number) => {
    Atomics.store(head, index, value)
    Atomics.add(head, at.changes, 1)
    Atomics.notify(head, at.changes)
  }
  /** Waits; `isReady` is asked again after every change. */
  const until = (isReady: () => boolean) => {
    for (;;) {
      const changes = Atomics.load(head, at.changes)
      if (Atomics.load(head, at.state) === states.broken)
        throw new DrayError('ABORTED', 'it is of no more use')
      if (isReady()) return
      Atomics.wait(head, at.changes, changes)
    }
  }
  return { head, slots, change, until }
}
