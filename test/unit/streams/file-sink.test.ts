import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { fileSink, pipeToFile, writeAll } from '../../../src/streams/file-sink.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

async function openFile(path = join(temporaryDirectory(), 'file')) {
  const file = await open(path, 'w+')
  onTestFinished(() => file.close())
  return { file, path }
}

test('a stream is written from its position on, and what was before stays', async () => {
  const { file, path } = await openFile()
  await file.write('before....after', 0)
  const reached: number[] = []
  const chunks = [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('cd')]
  const onWritten = (position: number) => void reached.push(position)
  await pipeline(Readable.from(chunks), fileSink(file, { position: 6, path, onWritten }))
  expect(await readFile(path, 'utf8')).toBe('beforeabcdafter')
  expect(reached.at(-1)).toBe(10)
})

test('a write that the system takes in small portions is finished', async () => {
  const { file, path } = await openFile()
  const stingy = Object.assign(Object.create(file), {
    writev: (buffers: Buffer[], position: number) =>
      file.writev([buffers[0]?.subarray(0, 3) ?? Buffer.alloc(0)], position),
  })
  const buffers = ['0123456789', '', 'abcdef'].map((text) => Buffer.from(text))
  expect(await writeAll(stingy, buffers, { position: 2, path })).toBe(18)
  expect(await readFile(path, 'utf8')).toBe('\0\x000123456789abcdef')
})

test.skipIf(!existsSync('/dev/full'))('a full disk is a file error that says where and how far', async () => {
  const { file } = await openFile('/dev/full')
  const sink = fileSink(file, { position: 4096, path: '/backup/app.tar' })
  await expect(pipeline(Readable.from([Buffer.from('x')]), sink)).rejects.toMatchObject({
    code: 'FILE',
    message: 'cannot write /backup/app.tar after 4096 bytes: the disk is full',
    hint: 'free some space, or write to another disk',
    cause: { code: 'ENOSPC' },
  })
})

test('what the observer of the chunks throws fails the stream before anything is written', async () => {
  const { file, path } = await openFile()
  const refusal = new Error('not this one')
  const onChunk = () => {
    throw refusal
  }
  const result = pipeline(Readable.from([Buffer.from('x')]), fileSink(file, { position: 0, path, onChunk }))
  await expect(result).rejects.toBe(refusal)
  expect(await readFile(path)).toHaveLength(0)
})

test('a system that takes nothing at all is a file error, not an endless loop', async () => {
  const { file, path } = await openFile()
  const full = Object.assign(Object.create(file), { writev: async () => ({ bytesWritten: 0 }) })
  await expect(writeAll(full, [Buffer.from('x')], { position: 7, path })).rejects.toMatchObject({
    code: 'FILE',
    message: `cannot write ${path} after 7 bytes: the system takes no more`,
  })
})

test.each(['fails', 'is aborted'])(
  'once a stream that %s has settled, nothing is written any more',
  async (how) => {
    const { file, path } = await openFile()
    const stop = new AbortController()
    const source = new PassThrough()
    let isWriting = false
    const slow = Object.assign(Object.create(file), {
      writev: async (buffers: Buffer[], position: number) => {
        isWriting = true
        if (how === 'fails') source.destroy(new Error('enough'))
        else stop.abort(new Error('enough'))
        await new Promise((resolve) => setTimeout(resolve, 50))
        const written = await file.writev(buffers, position)
        isWriting = false
        return written
      },
    })
    source.write('late')
    await expect(pipeToFile(source, slow, { position: 0, path, signal: stop.signal })).rejects.toThrow()
    expect(isWriting).toBe(false)
  },
)

test('more is taken while a write goes on, though never much more', async () => {
  const { file, path } = await openFile()
  let finishWrites = () => {}
  const finishing = new Promise<void>((resolve) => {
    finishWrites = resolve
  })
  let writes = 0
  const slow = Object.assign(Object.create(file), {
    async writev(buffers: Buffer[], position: number) {
      writes += 1
      await finishing
      return file.writev(buffers, position)
    },
  })
  const sink = fileSink(slow, { position: 0, path })
  const accepted: number[] = []
  for (let i = 0; i < 10; i++) {
    sink.write(Buffer.alloc(64 * 1024, String(i)), () => accepted.push(i))
    await vi.waitUntil(() => writes > 0)
  }
  await new Promise(setImmediate)
  expect(accepted).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  finishWrites()
  await new Promise<void>((resolve) => sink.end(resolve))
  expect(accepted).toHaveLength(10)
  expect(await readFile(path)).toHaveLength(10 * 64 * 1024)
})

test('chunks larger than there is room for come one after another', async () => {
  const { file, path } = await openFile()
  const sink = fileSink(file, { position: 0, path })
  const chunks = Array.from({ length: 10 }, (_, i) => Buffer.alloc(1024 * 1024, String(i)))
  const left = [...chunks]
  const writeNext = () => {
    const next = left.shift()
    if (next) sink.write(next)
    else sink.end()
  }
  sink.on('drain', writeNext)
  writeNext()
  await finished(sink)
  expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true)
})
