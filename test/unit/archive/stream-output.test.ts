import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ArchiveEntry, FileEntry } from '../../../src/archive/archive-format.ts'
import { openFileOutput } from '../../../src/archive/file-output.ts'
import { openStreamOutput } from '../../../src/archive/stream-output.ts'
import { readArchive } from '../../support/read-archive.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const { signal } = new AbortController()
const id = 'ab'.repeat(32)

function fileEntry(path: string, chunks: readonly Buffer[], extra: Partial<FileEntry> = {}): FileEntry {
  return { type: 'file', path, mtime: 5, open: () => Readable.from(chunks), ...extra }
}

const entries: readonly ArchiveEntry[] = [
  fileEntry('manifest.json', [Buffer.from('[]')], { size: 2 }),
  { type: 'directory', path: `${id}/`, mtime: 7 },
  fileEntry(`${id}/VERSION`, [], { size: 0 }),
  fileEntry(`${id}/layer.tar`, [Buffer.alloc(2_000_000, 'a'), Buffer.from('b')]),
]

test('a stream gets the very bytes that a file would', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'app.tar')
  const file = await openFileOutput(path)
  await file.write(entries, signal)
  await file.commit(signal)

  const stream = new PassThrough()
  const received = buffer(stream)
  const output = openStreamOutput(stream, { spoolDirectory: directory })
  await output.write(entries, signal)
  const { size } = await output.commit(signal)
  stream.end()
  const bytes = await received
  expect(bytes).toHaveLength(size)
  expect(bytes.equals(readFileSync(path))).toBe(true)
  expect(readdirSync(directory)).toEqual(['app.tar'])
})

test('it is called - unless it has a name, and stays open at the end', async () => {
  const stream = new PassThrough().resume()
  const spoolDirectory = temporaryDirectory()
  expect(openStreamOutput(stream, { name: '/dev/tape', spoolDirectory }).path).toBe('/dev/tape')
  const output = openStreamOutput(stream, { spoolDirectory })
  expect(output.path).toBe('-')
  await output.commit(signal)
  expect(stream.writableEnded).toBe(false)
})

test('content of a known size goes out when it is at rest, for it cannot be taken back', async () => {
  const log: string[] = []
  const output = openStreamOutput(new PassThrough().resume(), { spoolDirectory: temporaryDirectory() })
  const entry = fileEntry('index.json', [], {
    size: 1,
    settled: async () => void log.push('settled'),
    open: () => {
      log.push('open')
      return Readable.from([Buffer.from('x')])
    },
  })
  await output.write([entry], signal)
  expect(log).toEqual(['settled', 'open'])
})

test('content of an unknown size that fails has not gone out, and can be written again', async () => {
  const directory = temporaryDirectory()
  const stream = new PassThrough()
  const received = buffer(stream)
  const output = openStreamOutput(stream, { spoolDirectory: directory })
  const bodies = [failsAfter(Buffer.from('wrong')), Readable.from([Buffer.from('right')])]
  const entry = fileEntry('index.json', [], {
    open: () => bodies.shift() ?? expect.fail(),
    settled: async () => {},
  })
  await output.write([entry], signal)
  await output.commit(signal)
  stream.end()
  writeFileSync(join(directory, 'x.tar'), await received)
  expect((await readArchive(join(directory, 'x.tar'))).get('index.json')?.bytes.toString()).toBe('right')
  expect(readdirSync(directory)).toEqual(['x.tar'])
})

function failsAfter(chunk: Buffer): Readable {
  return Readable.from(
    (function* () {
      yield chunk
      throw new Error('taken back')
    })(),
  )
}

test.each([
  [1, 'index.json should have 1 bytes, not 2'],
  [3, 'index.json should have 3 bytes, not 2'],
])('content that does not have its %i bytes ends the archive for good', async (size, message) => {
  const output = openStreamOutput(new PassThrough().resume(), { spoolDirectory: temporaryDirectory() })
  const entry = fileEntry('index.json', [Buffer.from('ab')], { size, settled: async () => {} })
  const error = { code: 'INTEGRITY', message }
  await expect(output.write([entry], signal)).rejects.toMatchObject(error)
  await expect(output.write([fileEntry('manifest.json', [])], signal)).rejects.toMatchObject(error)
})

const failing = (code: string) =>
  new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) })

test.each([
  ['EPIPE', 'PIPE_CLOSED', 'whoever read the standard output has closed it'],
  ['ENOSPC', 'FILE', 'cannot write the standard output: the disk is full'],
])('a stream that fails with %s is %s', async (systemCode, code, message) => {
  const output = openStreamOutput(failing(systemCode), { spoolDirectory: temporaryDirectory() })
  await expect(output.write(entries, signal)).rejects.toMatchObject({ code, message })
  await output.abort()
})

test('a stream that was closed before is a closed pipe', async () => {
  const stream = new PassThrough().destroy()
  const output = openStreamOutput(stream, { spoolDirectory: temporaryDirectory() })
  await expect(output.write(entries, signal)).rejects.toMatchObject({ code: 'PIPE_CLOSED' })
})

test('a reader that does not read holds it up, until the signal ends it', async () => {
  const stop = new AbortController()
  const stuck = new Writable({ write() {} })
  const output = openStreamOutput(stuck, { spoolDirectory: temporaryDirectory() })
  const writing = output.write(entries, stop.signal)
  setImmediate(() => stop.abort())
  await expect(writing).rejects.toMatchObject({ name: 'AbortError' })
})

test('a missing spool directory is a file error', async () => {
  const spoolDirectory = join(temporaryDirectory(), 'no')
  const output = openStreamOutput(new PassThrough().resume(), { spoolDirectory })
  await expect(output.write([fileEntry('index.json', [])], signal)).rejects.toMatchObject({ code: 'FILE' })
})
