import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../../src/errors.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Repository } from '../../src/registry/repository.ts'

/** What a network is like that lives in a clock of its own. Speeds in bytes per second, times in milliseconds. */
export interface SlowNetwork {
  readonly perConnection?: number
  /** Of all connections together. */
  readonly shared?: number
  /** Until the first byte of an answer. */
  readonly latency?: number
  /** What becomes of the nth piece that is asked for, from 0 on. */
  readonly fate?: (piece: number) => 'whole' | 'refused' | 'failed' | 'cut' | 'too long'
}

interface Connection {
  readonly body: Readable
  readonly opens: number
  readonly open: (body: Readable) => void
  position: number
  readonly to: number
  /** Where it breaks off. */
  readonly cut: number
  isOpen: boolean
}

/** A repository of one blob behind such a network; `run` lets its time pass until a promise settles. */
export function slowRepository(
  blob: Buffer,
  {
    perConnection = Number.POSITIVE_INFINITY,
    shared = Number.POSITIVE_INFINITY,
    latency = 20,
    fate,
  }: SlowNetwork,
) {
  const descriptor = { mediaType: 'x', digest: digestOf(blob.subarray(0, 10)), size: blob.length }
  const connections = new Set<Connection>()
  const seen = { plain: [] as number[], pieces: [] as { from: number; to: number }[], atOnce: 0 }
  let time = 0

  const connect = (from: number, to: number, cut: number, signal: AbortSignal): Promise<Readable> =>
    new Promise((resolve, reject) => {
      const body = new Readable({
        read() {},
        destroy(error, callback) {
          connections.delete(connection)
          callback(error)
        },
      })
      const connection = {
        body,
        opens: time + latency,
        open: resolve,
        position: from,
        to,
        cut,
        isOpen: false,
      }
      connections.add(connection)
      seen.atOnce = Math.max(seen.atOnce, connections.size)
      signal.addEventListener('abort', () => {
        connections.delete(connection)
        if (connection.isOpen) body.destroy(signal.reason)
        else reject(signal.reason)
      })
    })

  const repository: Repository = {
    fetchManifest: () => Promise.reject(new Error('there is no manifest')),
    distrust: () => false,
    fetchBlob(_, from, signal) {
      seen.plain.push(from)
      return connect(from, blob.length, Number.POSITIVE_INFINITY, signal)
    },
    async fetchPiece(_, piece, signal) {
      const kind = fate?.(seen.pieces.length) ?? 'whole'
      seen.pieces.push(piece)
      const { from, to } = piece
      if (kind === 'refused') return undefined
      if (kind === 'failed') throw new DrayError('NETWORK', 'no way')
      const half = from + Math.floor((to - from) / 2)
      return connect(
        from,
        kind === 'too long' ? to + 1 : to,
        kind === 'cut' ? half : Number.POSITIVE_INFINITY,
        signal,
      )
    },
  }

  const step = 10
  const pass = () => {
    time += step
    const carrying = [...connections].filter(({ opens }) => time >= opens)
    const speed = Math.min(perConnection, shared / carrying.length, 10e9)
    for (const connection of carrying) {
      if (!connection.isOpen) {
        connection.isOpen = true
        connection.open(connection.body)
      }
      deliver(connection, Math.ceil((speed * step) / 1000))
    }
  }
  const deliver = (connection: Connection, most: number) => {
    const { body, position, to, cut } = connection
    if (body.destroyed || body.readableLength > 1024 * 1024) return
    const end = Math.min(position + most, to, cut)
    connection.position = end
    if (end > position) body.push(Buffer.from(blob.subarray(position, end)))
    if (end === to) {
      connections.delete(connection)
      body.push(null)
    } else if (end === cut) body.destroy(new Error('cut'))
  }

  return {
    repository,
    descriptor,
    seen,
    now: () => time,
    /** Connections that are in use. */
    inUse: () => connections.size,
    async run<T>(promise: Promise<T>): Promise<T> {
      let settled = false
      promise.then(
        () => (settled = true),
        () => (settled = true),
      )
      while (!settled) {
        if (time > 120_000) throw new Error('it takes for ever')
        pass()
        for (let turn = 0; turn < 3; turn++) await setImmediate()
      }
      return promise
    },
  }
}
