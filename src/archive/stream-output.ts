import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError, systemErrorCode } from '../errors.ts'
import { readAt } from '../store/blob-files.ts'
import { fileError } from '../streams/file-error.ts'
import { pipeToFile } from '../streams/file-sink.ts'
import type { ArchiveEntry, FileEntry } from './archive-format.ts'
import type { Output } from './output.ts'
import { endOfArchive, padding, tarHeader } from './tar.ts'
import { writeInOrder } from './write-in-order.ts'

export interface StreamOutputOptions {
  /** What the user called it; default `-`. */
  readonly name?: string
  /** Exists, and has room for the largest entry whose size is not known beforehand. */
  readonly spoolDirectory: string
}

/**
 * An archive for a stream: stdout, a pipe, a device. What is out cannot be taken back, so content goes out when it is
 * at rest and its size is known; until then it waits in a file. Closing the stream is left to whoever opened it.
 */
export function openStreamOutput(
  stream: Writable,
  { name = '-', spoolDirectory }: StreamOutputOptions,
): Output {
  let sent = 0
  let broken: unknown
  // The write that an error belongs to reports it; without a listener it would end the process.
  stream.on('error', () => {})

  const send = async (content: Readable, signal: AbortSignal) => {
    try {
      await pipeline(
        content,
        intoStream(stream, name, (size) => (sent += size)),
        { signal },
      )
    } catch (error) {
      broken = error
      throw error
    }
  }
  const sendEntry = async (entry: ArchiveEntry, content: SizedContent, signal: AbortSignal) => {
    await send(Readable.from([await tarHeader(entry, content.size)]), signal)
    const start = sent
    await send(content.open(), signal)
    if (sent - start !== content.size) {
      broken = new DrayError(
        'INTEGRITY',
        `${entry.path} should have ${content.size} bytes, not ${sent - start}`,
      )
      throw broken
    }
    await send(Readable.from([padding(content.size)]), signal)
  }
  const append = async (entry: ArchiveEntry, signal: AbortSignal) => {
    if (broken) throw broken
    if (entry.type !== 'file') return sendEntry(entry, { size: 0, open: () => Readable.from([]) }, signal)
    if (entry.size === undefined) {
      return spool(entry, { spoolDirectory, signal, use: (content) => sendEntry(entry, content, signal) })
    }
    await entry.settled?.(signal)
    await sendEntry(entry, { size: entry.size, open: () => entry.open(signal) }, signal)
  }
  return {
    path: name,
    write: (entries, signal) => writeInOrder(entries, (entry) => append(entry, signal), signal),
    async commit(signal) {
      await send(Readable.from([endOfArchive]), signal)
      return { size: sent }
    },
    async abort() {},
  }
}

interface SizedContent {
  readonly size: number
  open(): Readable
}

interface Spool {
  readonly spoolDirectory: string
  readonly signal: AbortSignal
  readonly use: (content: SizedContent) => Promise<void>
}

/** Writes an entry's content to a file to learn its size, and removes the file after use. */
async function spool(entry: FileEntry, { spoolDirectory, signal, use }: Spool): Promise<void> {
  const path = join(spoolDirectory, `spool.${randomBytes(6).toString('hex')}`)
  const file = await open(path, 'wx+', 0o600).catch((error) => {
    throw fileError(`write ${path}`, error)
  })
  try {
    let size = 0
    await pipeToFile(entry.open(signal), file, {
      position: 0,
      path,
      signal,
      onWritten: (end) => (size = end),
    })
    await use({ size, open: () => Readable.from(readPieces(file, path), { objectMode: false }) })
  } finally {
    // What it held has been sent, or failed for another reason.
    await file.close().catch(() => {})
    await rm(path, { force: true }).catch(() => {})
  }
}

const pieceSize = 512 * 1024

/** From the beginning to the end. Throws FILE. */
async function* readPieces(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(pieceSize)
    const length = await readAt(file, buffer, { position, path })
    if (length === 0) return
    yield buffer.subarray(0, length)
    position += length
  }
}

/** Passes everything on, at the pace of the stream, and leaves it open at the end. */
function intoStream(stream: Writable, name: string, onSent: (size: number) => void): Writable {
  const onClose = () => sink.destroy(writeError(stream.errored ?? closedEarly(), name))
  const sink = new Writable({
    highWaterMark: 1024 * 1024,
    write(chunk: Buffer, _encoding, done) {
      stream.write(chunk, (error) => {
        if (!error) onSent(chunk.length)
        done(error && writeError(error, name))
      })
    },
    destroy(error, done) {
      stream.off('close', onClose)
      done(error)
    },
  })
  // A stream that is destroyed may never call back for the write that it was busy with.
  stream.once('close', onClose)
  return sink
}

function closedEarly(): Error {
  return Object.assign(new Error('the stream was closed'), { code: 'ERR_STREAM_DESTROYED' })
}

/** What a failed write to the stream of this name means. */
export function writeError(error: unknown, name: string): DrayError {
  const target = name === '-' ? 'the standard output' : name
  return ['EPIPE', 'EOF', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes(systemErrorCode(error) ?? '')
    ? new DrayError('PIPE_CLOSED', `whoever read ${target} has closed it`, { cause: error })
    : fileError(`write ${target}`, error)
}
