import { expect, test } from 'vitest'
import type { ArchiveEntry, FileEntry } from '../../../src/archive/archive-format.ts'
import { writeInOrder } from '../../../src/archive/write-in-order.ts'
import { DrayError } from '../../../src/errors.ts'

const { signal } = new AbortController()
const directory = (path: string): ArchiveEntry => ({ type: 'directory', path, mtime: 0 })

/** Remembers what it is given; the first calls fail with these errors. */
function writerThatFails(...errors: unknown[]) {
  const log: string[] = []
  const write = async ({ path }: ArchiveEntry) => {
    log.push(path)
    if (errors.length > 0) throw errors.shift()
  }
  return { write, log }
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
  const { write, log } = writerThatFails()
  await writeInOrder(['a/', 'b/', 'c/'].map(directory), write, signal)
  expect(log).toEqual(['a/', 'b/', 'c/'])
})

test('an entry that failed is written again when its blob is whole', async () => {
  const { write, log } = writerThatFails(corrupt)
  await writeInOrder([fileEntry(log), directory('next/')], write, signal)
  expect(log).toEqual(['layer', 'settled', 'layer', 'next/'])
})

test('an entry that fails twice ends it', async () => {
  const { write, log } = writerThatFails(corrupt, corrupt)
  await expect(writeInOrder([fileEntry(log)], write, signal)).rejects.toBe(corrupt)
  expect(log).toEqual(['layer', 'settled', 'layer'])
})

test.each([new DrayError('FILE', 'the disk is full'), new DrayError('PIPE_CLOSED', 'the reader has gone')])(
  '$code is not tried again',
  async (error) => {
    const { write, log } = writerThatFails(error)
    await expect(writeInOrder([fileEntry(log)], write, signal)).rejects.toBe(error)
    expect(log).toEqual(['layer'])
  },
)

test('an entry without a blob behind it is not tried again', async () => {
  const { write } = writerThatFails(corrupt)
  await expect(writeInOrder([directory('a/')], write, signal)).rejects.toBe(corrupt)
})

test('nothing is written after an abort', async () => {
  const { write, log } = writerThatFails()
  await expect(writeInOrder([directory('a/')], write, AbortSignal.abort())).rejects.toThrow()
  expect(log).toEqual([])
})
