import { readFileSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { moveFile } from '../../../src/streams/move-file.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>()
  return { ...actual, rename: vi.fn(actual.rename) }
})

const refusal = (code: string) => Object.assign(new Error(code), { code })

test.each(['EPERM', 'EACCES', 'EBUSY'])('a file that is %s for a moment takes its place', async (code) => {
  const directory = temporaryDirectory()
  const [from, to] = [join(directory, 'new'), join(directory, 'old')]
  writeFileSync(from, 'new')
  writeFileSync(to, 'old')
  vi.mocked(rename).mockRejectedValueOnce(refusal(code)).mockRejectedValueOnce(refusal(code))
  await moveFile(from, to)
  expect(readFileSync(to, 'utf8')).toBe('new')
})

test('what is no matter of patience is told at once', async () => {
  vi.mocked(rename).mockClear().mockRejectedValueOnce(refusal('ENOSPC'))
  await expect(moveFile('a', 'b')).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(rename).toHaveBeenCalledTimes(1)
})

test('patience ends', async () => {
  vi.mocked(rename).mockRejectedValue(refusal('EPERM'))
  const outcome = expect(moveFile('a', 'b')).rejects.toMatchObject({ code: 'EPERM' })
  await outcome
  vi.mocked(rename).mockReset()
})
