import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readRegistriesConf } from '../../../src/config/registries-conf-files.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const table = (prefix: string, location: string) =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`

test("the user's file stands for the system's, with the user's additions only", async () => {
  const { locations } = await read({
    'user/registries.conf': table('a', 'user'),
    'user/registries.conf.d/1.conf': table('b', 'user.d'),
    'etc/registries.conf': table('c', 'etc'),
    'etc/registries.conf.d/1.conf': table('d', 'etc.d'),
  })
  expect(locations).toEqual({ a: 'user', b: 'user.d' })
})

test.each([
  ['with', { 'etc/registries.conf': table('a', 'etc') }],
  ['without', {}],
])("%s the system's file, the system's additions count, then the user's", async (_, main) => {
  const { locations } = await read({
    ...main,
    'etc/registries.conf.d/1.conf': table('b', 'etc.d') + table('c', 'etc.d'),
    'user/registries.conf.d/1.conf': table('c', 'user.d'),
  })
  expect(locations).toEqual({ ...('etc/registries.conf' in main && { a: 'etc' }), b: 'etc.d', c: 'user.d' })
})

test('additions are read in the order of their names; other files and directories are not', async () => {
  const { locations, warnings } = await read({
    'etc/registries.conf.d/10.conf': table('a', '10') + table('b', '10') + table('c', '10'),
    'etc/registries.conf.d/9.conf': table('a', '9'),
    'etc/registries.conf.d/100.conf': table('b', '100'),
    'etc/registries.conf.d/zz.conf.bak': table('c', 'backup'),
    'etc/registries.conf.d/zz.conf/1.conf': table('c', 'below'),
  })
  expect(locations).toEqual({ a: '9', b: '100', c: '10' })
  expect(warnings).toEqual([])
})

test('a table takes the whole place of one with the same prefix', async () => {
  const { registries } = await read({
    'etc/registries.conf':
      '[[registry]]\nlocation = "a"\ninsecure = true\n[[registry.mirror]]\nlocation = "m"\n',
    'etc/registries.conf.d/1.conf': '[[registry]]\nlocation = "a"\n',
  })
  expect(registries).toEqual([expect.objectContaining({ insecure: false, mirrors: [] })])
})

test('an alias is replaced by a later one, and taken back by an empty one; each tells its file', async () => {
  const { aliases, directory } = await read({
    'etc/registries.conf': '[aliases]\n"a" = "x.org/a"\n"b" = "x.org/b"\n"c" = "x.org/c"\n',
    'etc/registries.conf.d/1.conf': '[aliases]\n"a" = "y.org/a"\n"b" = ""\n',
  })
  expect(aliases).toEqual({
    a: { value: 'y.org/a', file: join(directory, 'etc/registries.conf.d/1.conf') },
    b: { value: '', file: join(directory, 'etc/registries.conf.d/1.conf') },
    c: { value: 'x.org/c', file: join(directory, 'etc/registries.conf') },
  })
})

test('a file that makes no sense is a warning with its name and line, and the others still count', async () => {
  const { locations, warnings, directory } = await read({
    'etc/registries.conf': 'x = \n',
    'etc/registries.conf.d/1.conf': table('a', 'etc.d'),
    'etc/registries.conf.d/2.conf': '[registries.block]\nregistries = ["a"]\n',
  })
  expect(locations).toEqual({ a: 'etc.d' })
  expect(warnings).toEqual([
    `${join(directory, 'etc/registries.conf')}, line 1, column 5, at x: invalid value; it is not followed`,
    expect.stringContaining(
      `${join(directory, 'etc/registries.conf.d/2.conf')}, line 1: registries is of version 1`,
    ),
  ])
})

test('a directory where a file should be is a warning', async () => {
  const { warnings, directory } = await read({ 'etc/registries.conf/x': '' })
  expect(warnings).toEqual([`${join(directory, 'etc/registries.conf')} is no file; it is not followed`])
})

test.skipIf(process.platform === 'win32')('a pipe is read only where a variable names it', async () => {
  const directory = temporaryDirectory()
  const main = join(directory, 'pipe.conf')
  execFileSync('mkfifo', [main])
  const warnings: string[] = []
  const readPlace = (named: boolean) =>
    readRegistriesConf([{ main, named, dropIns: [] }], (message) => warnings.push(message))
  expect((await readPlace(false)).registries).toEqual([])
  expect(warnings).toEqual([`${main} is no file; it is not followed`])
  const writer = writeFile(main, table('a', 'piped'))
  expect((await readPlace(true)).registries).toHaveLength(1)
  await writer
})

async function read(files: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const warnings: string[] = []
  const user = join(directory, 'user/registries.conf')
  const etc = join(directory, 'etc/registries.conf')
  const { registries, aliases } = await readRegistriesConf(
    [
      { main: user, dropIns: [`${user}.d`] },
      { main: etc, dropIns: [`${etc}.d`, `${user}.d`] },
    ],
    (message) => warnings.push(message),
  )
  const locations = Object.fromEntries(registries.map(({ prefix, location }) => [prefix, location]))
  return { registries, locations, aliases: Object.fromEntries(aliases), warnings, directory }
}
