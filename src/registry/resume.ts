import { addAbortSignal, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { DrayError, isDrayError } from '../errors.ts'
import { codedError } from '../http/failures.ts'
import { tooLong } from '../streams/verify.ts'
import type { Tries } from './tries.ts'

/** Opens a blob at an offset, or before it. */
export type BlobOpener = (from: number) => Promise<OpenedBody>

export interface OpenedBody {
  readonly body: Readable
  /** Where in the blob the body begins; what lies before the offset that was asked for is skipped. */
  readonly start: number
  /** Where it comes from, redirects followed. */
  readonly url: URL
  /** Which proxy it comes through. */
  readonly via?: URL | undefined
}

export interface ResumeOptions {
  /** The offset of the first byte that is wanted. */
  readonly from: number
  /** Of the whole blob, in bytes. */
  readonly size: number
  /** What the blob is called in errors. */
  readonly what: string
  /** Whether to open it again. */
  readonly tries: Pick<Tries, 'failed' | 'reset'>
  readonly signal: AbortSignal
}

/**
 * The rest of a blob as one stream, however often its body breaks off: it is opened again where it stopped, until
 * there were too many tries without progress. Ends after exactly `size - from` bytes. Fails with INTEGRITY as soon as
 * there are more, NETWORK when it gives up, and with what `open` throws.
 */
export function resumeBody(first: OpenedBody, open: BlobOpener, options: ResumeOptions): Readable {
  let current = first
  const output = new Readable({
    highWaterMark: bufferSize,
    read: () => current.body.resume(),
    destroy(error, callback) {
      current.body.destroy()
      callback(error)
    },
  })
  const reopen = async (from: number) => {
    current = await open(from)
    if (output.destroyed) current.body.destroy()
    return current
  }
  fill(output, first, reopen, options).then(
    () => output.push(null),
    (error) => output.destroy(error),
  )
  return addAbortSignal(options.signal, output)
}

/** Enough to keep the connection busy while the disk is. */
const bufferSize = 512 * 1024

async function fill(
  output: Readable,
  first: OpenedBody,
  open: BlobOpener,
  options: ResumeOptions,
): Promise<void> {
  const { from, size, what, tries } = options
  const gauge = { position: from, size, what }
  let milestone = from + progressStep(size)
  let opened = first
  for (;;) {
    const problem = await pour(opened, output, gauge)
    if (gauge.position === size || output.destroyed) return
    if (gauge.position >= milestone) {
      tries.reset()
      milestone = gauge.position + progressStep(size)
    }
    await tries.failed(problem, { url: opened.url, via: opened.via, purpose: 'blob' })
    if (output.destroyed) return
    opened = await open(gauge.position).catch((error) => {
      throw lost(error, gauge)
    })
  }
}

/** Names the blob that could not be gone on with: a request that fails speaks of hosts only. */
function lost(error: unknown, { what, position }: Gauge): unknown {
  if (!isDrayError(error, 'NETWORK') || error.message.includes(what)) return error
  const { code, message, hint } = error
  return new DrayError(code, `${what} broke off after ${position} bytes: ${message}`, { hint, cause: error })
}

/** How much is progress: 1 MiB, or a sixteenth of a small blob. Less would let a server drip for ever. */
function progressStep(size: number): number {
  return Math.min(1024 * 1024, Math.ceil(size / 16))
}

interface Gauge {
  /** How far the blob has come. */
  position: number
  readonly size: number
  readonly what: string
}

/**
 * Moves a body into the output, no faster than it is read, and resolves with what ended it. Rejects when there are
 * more bytes than there can be.
 */
async function pour({ body, start }: OpenedBody, output: Readable, gauge: Gauge): Promise<unknown> {
  let skip = gauge.position - start
  let excess = false
  body.on('data', (chunk: Buffer) => {
    const fresh = skip === 0 ? chunk : chunk.subarray(skip)
    skip -= chunk.length - fresh.length
    excess = gauge.position + fresh.length > gauge.size
    if (excess) return void body.destroy()
    gauge.position += fresh.length
    if (fresh.length > 0 && !output.push(fresh)) body.pause()
  })
  const problem = await finished(body, { writable: false }).catch((error: unknown) => error)
  if (excess) throw tooLong(gauge.what, gauge.size)
  return problem ?? codedError('ERR_STREAM_PREMATURE_CLOSE', 'the body ended early')
}
