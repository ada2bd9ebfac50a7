import { expect, test } from 'vitest'
import { fileError } from '../../../src/streams/file-error.ts'

const systemError = (code: string) => Object.assign(new Error(`${code}: as libuv says it`), { code })

test.each([
  ['ENOSPC', 'cannot write /a: the disk is full'],
  ['EACCES', 'cannot write /a: permission denied'],
  ['ENOTDIR', 'cannot write /a: a part of the path is not a directory'],
])('%s is told in plain words, with a hint and its cause', (code, message) => {
  const cause = systemError(code)
  expect(fileError('write /a', cause)).toMatchObject({
    code: 'FILE',
    message,
    cause,
    hint: expect.any(String),
  })
})

test('an unknown failure keeps the words of the system', () => {
  expect(fileError('read /a', systemError('EXYZ'))).toMatchObject({
    message: 'cannot read /a: EXYZ: as libuv says it',
    hint: undefined,
  })
})
