import { expect, test } from 'vitest'
import type { ArchiveEntry, FileEntry } from '../../../src/archive/archive-format.ts'
import type { Output } from '../../../src/archive/output.ts'
import { writeArchive } from '../../../src/archive/write-archive.ts'
import { DrayError } from '../../../src/errors.ts'

const { signal } = new AbortController()
const directory = (path: string): ArchiveEntry => ({ type: 'directory', path, mtime: 0 })

/** Remembers what it is given; the first calls fail with these errors. */
function outputThatFails(...errors: unknown[]) {
  const log: string[] = []
  const output: Output = {
    path: 'x.tar',
    append: async ({ path }) => {
      log.push(path)
      if (errors.length > 0) throw errors.shift()
    },
    commit: async () => ({ size: 0 }),
    abort: async () => {},
  }
  return { output, log }
}

function fileEntry(log: string[]): FileEntry {
  return {
    type: 'file',
    path: 'layer',
    mtime: 0,
    open: () => expect.fail(),
    settled: async () => void log.push('settled'),
  }
}

const corrupt = new DrayError('INTEGRITY', 'the bytes were taken back')

test('entries are written in their order', async () => {
  const { output, log } = outputThatFails()
  await writeArchive(['a/', 'b/', 'c/'].map(directory), output, signal)
  expect(log).toEqual(['a/', 'b/', 'c/'])
})

test('an entry that failed is written again when its blob is whole', async () => {
  const { output, log } = outputThatFails(corrupt)
  await writeArchive([fileEntry(log), directory('next/')], output, signal)
  expect(log).toEqual(['layer', 'settled', 'layer', 'next/'])
})

test('an entry that fails twice ends it', async () => {
  const { output, log } = outputThatFails(corrupt, corrupt)
  await expect(writeArchive([fileEntry(log)], output, signal)).rejects.toBe(corrupt)
  expect(log).toEqual(['layer', 'settled', 'layer'])
})

test.each([new DrayError('FILE', 'the disk is full'), new DrayError('PIPE_CLOSED', 'the reader has gone')])(
  '$code is not tried again',
  async (error) => {
    const { output, log } = outputThatFails(error)
    await expect(writeArchive([fileEntry(log)], output, signal)).rejects.toBe(error)
    expect(log).toEqual(['layer'])
  },
)

test('an entry without a blob behind it is not tried again', async () => {
  const { output } = outputThatFails(corrupt)
  await expect(writeArchive([directory('a/')], output, signal)).rejects.toBe(corrupt)
})

test('nothing is written after an abort', async () => {
  const { output, log } = outputThatFails()
  await expect(writeArchive([directory('a/')], output, AbortSignal.abort())).rejects.toThrow()
  expect(log).toEqual([])
})
