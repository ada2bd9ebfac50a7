import { chmodSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { candidates, findProgram } from '../../../src/auth/find-program.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

function directoryWith(name: string): string {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, name), '')
  chmodSync(join(directory, name), 0o755)
  return directory
}

describe.skipIf(process.platform === 'win32')('on Linux and macOS a program is found', () => {
  const find = (path: string) => findProgram('tool', { path, platform: 'linux' })

  test('by its name, as an absolute path', async () => {
    const directory = directoryWith('tool')
    expect(await find(`/nowhere:${directory}`)).toBe(join(directory, 'tool'))
  })

  test('not by a part of PATH that depends on where we are', async () => {
    const directory = directoryWith('tool')
    expect(await find(`:.:${relative(process.cwd(), directory)}:`)).toBeUndefined()
  })
})

describe('on Windows a program is looked for', () => {
  test.each([
    ['tool', 'C:\\a;D:/b', ['C:\\a\\tool.exe', 'D:\\b\\tool.exe']],
    ['tool.EXE', '\\\\server\\share', ['\\\\server\\share\\tool.EXE']],
    ['tool.cmd', '"C:\\Program Files\\a"', ['C:\\Program Files\\a\\tool.cmd.exe']],
  ])('as an .exe, which needs no shell: %s in %s', (name, path, files) => {
    expect(candidates(name, { path, platform: 'win32' })).toEqual(files)
  })

  test.each([
    ['', 'the working directory'],
    ['.', 'the working directory'],
    ['bin', 'a directory below it'],
    ['C:bin', 'a directory below that of a drive'],
    ['\\bin', 'a directory of the current drive'],
  ])('not in %j, %s', (path) => {
    expect(candidates('tool', { path, platform: 'win32' })).toEqual([])
  })
})
