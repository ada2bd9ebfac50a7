import { expect, test } from 'vitest'
import { flushEarly } from '../../../src/archive/flush-early.ts'

const mebibyte = 1024 * 1024

/** A file that counts how often it is flushed, and is done with it when it is told. */
function slowFile() {
  const pending: ((error?: Error) => void)[] = []
  let calls = 0
  const datasync = () => {
    calls += 1
    return new Promise<void>((resolve, reject) =>
      pending.push((error) => (error ? reject(error) : resolve())),
    )
  }
  const settle = async (error?: Error) => {
    pending.shift()?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { datasync, settle, calls: () => calls }
}

test('what is little is left for the end', async () => {
  const file = slowFile()
  const flush = flushEarly(file, 'a.tar')
  flush.count(31 * mebibyte)
  await flush.end()
  expect(file.calls()).toBe(0)
})

test('a file is flushed while it grows, never twice at once, and what came meanwhile right after', async () => {
  const file = slowFile()
  const flush = flushEarly(file, 'a.tar')
  for (let i = 0; i < 10; i++) flush.count(10 * mebibyte)
  expect(file.calls()).toBe(1)
  await file.settle()
  expect(file.calls()).toBe(2)
  await file.settle()
  expect(file.calls()).toBe(2)
})

test('the end waits for what is being flushed, and begins nothing more', async () => {
  const file = slowFile()
  const flush = flushEarly(file, 'a.tar')
  flush.count(50 * mebibyte)
  let isOver = false
  const end = flush.end().then(() => {
    isOver = true
  })
  flush.count(50 * mebibyte)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOver).toBe(false)
  await file.settle()
  await end
  expect(file.calls()).toBe(1)
})

test('what could not be brought to the disk is told at the end, though the system says so only once', async () => {
  const file = slowFile()
  const flush = flushEarly(file, 'a.tar')
  flush.count(50 * mebibyte)
  await file.settle(Object.assign(new Error('no'), { code: 'ENOSPC' }))
  flush.count(50 * mebibyte)
  expect(file.calls()).toBe(1)
  const told = { code: 'FILE', message: 'cannot write a.tar: the disk is full' }
  await expect(flush.end()).rejects.toMatchObject(told)
  await expect(flush.end()).rejects.toMatchObject(told)
})
