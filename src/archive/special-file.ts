import { constants, createWriteStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemErrorCode } from '../errors.ts'

/** Writes to a device as it is. */
export function openDevice(path: string): Writable {
  return createWriteStream(path)
}

/** In milliseconds, between looks for a reader. */
const timeBetweenLooks = 100
/** The longest wait for a reader that has no room just now. */
const longestWait = 16

/**
 * Writes to a FIFO as it is; the first write waits for a reader. No system call ever waits, for one that does cannot be
 * ended, nor can the process then: until the other end moves, it would hang.
 */
export function openFifo(path: string): Writable {
  const stop = new AbortController()
  let file: FileHandle | undefined
  let writing = Promise.resolve()
  const write = async (chunk: Buffer) => {
    file ??= await openWhenRead(path, stop.signal)
    await writeChunk(file, chunk, stop.signal)
  }
  const close = () => writing.catch(() => {}).then(() => file?.close())
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      writing = write(chunk)
      writing.then(() => done(), done)
    },
    destroy(error, done) {
      stop.abort()
      close().then(
        () => done(error),
        (closeError) => done(error ?? closeError),
      )
    },
  })
}

async function openWhenRead(path: string, signal: AbortSignal): Promise<FileHandle> {
  for (;;) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (error) {
      if (systemErrorCode(error) !== 'ENXIO') throw error
    }
    await sleep(timeBetweenLooks, undefined, { signal })
  }
}

async function writeChunk(file: FileHandle, chunk: Buffer, signal: AbortSignal): Promise<void> {
  let rest = chunk
  let wait = 1
  while (rest.length > 0) {
    const written = await writeSome(file, rest)
    rest = rest.subarray(written)
    wait = written > 0 ? 1 : Math.min(2 * wait, longestWait)
    if (written === 0) await sleep(wait, undefined, { signal })
  }
}

/** 0 when there is no room. */
async function writeSome(file: FileHandle, chunk: Buffer): Promise<number> {
  try {
    return (await file.write(chunk, 0, chunk.length, null)).bytesWritten
  } catch (error) {
    if (systemErrorCode(error) === 'EAGAIN') return 0
    throw error
  }
}
