import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { extract, type Headers } from 'tar-stream'
import { describe, expect, test } from 'vitest'
import type { ArchiveEntry } from '../../../src/archive/archive-format.ts'
import { endOfArchive, padding, tarHeader } from '../../../src/archive/tar.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const id = 'ab'.repeat(32)
const file = (path: string, mtime = 0): ArchiveEntry => ({
  type: 'file',
  path,
  mtime,
  open: () => expect.fail(),
})

function parse(header: Buffer): Promise<Headers> {
  return new Promise((resolve, reject) => {
    const reader = extract()
    reader.on('entry', resolve).on('error', reject)
    reader.write(header)
  })
}

test.each<[ArchiveEntry, number, Partial<Headers>]>([
  [
    { type: 'directory', path: `${id}/`, mtime: 1_700_000_000 },
    0,
    { name: `${id}/`, mode: 0o755, size: 0, type: 'directory' },
  ],
  [
    file(`${id}/layer.tar`, 1_700_000_000),
    12_345,
    { name: `${id}/layer.tar`, mode: 0o644, size: 12_345, type: 'file' },
  ],
  [
    { type: 'symlink', path: `${id}/layer.tar`, target: `../${id}/layer.tar`, mtime: 1_700_000_000 },
    0,
    { name: `${id}/layer.tar`, linkname: `../${id}/layer.tar`, size: 0, type: 'symlink' },
  ],
])('a $type has a plain ustar header without owner', async (entry, size, expected) => {
  const header = await tarHeader(entry, size)
  expect(header).toHaveLength(512)
  expect(header.toString('latin1', 257, 265)).toBe('ustar\x0000')
  expect(await parse(header)).toMatchObject({
    ...expected,
    uid: 0,
    gid: 0,
    uname: '',
    gname: '',
    mtime: new Date(1_700_000_000_000),
    pax: null,
  })
})

test('the same entry gives the same header, whatever the time', async () => {
  expect(await tarHeader(file('manifest.json'), 5)).toEqual(await tarHeader(file('manifest.json'), 5))
})

test('a time after 2038 is cut to what the header can hold', async () => {
  const { mtime } = await parse(await tarHeader(file('manifest.json', 10_000_000_000), 0))
  expect(mtime?.toISOString()).toBe('2038-01-19T03:14:07.000Z')
})

describe.each([8 * 2 ** 30 - 1, 8 * 2 ** 30, 9.5 * 2 ** 30, 2 ** 43])('a file of %i bytes', (size) => {
  test('has a header of one block that says so', async () => {
    const header = await tarHeader(file(`${id}/layer.tar`), size)
    expect(header).toHaveLength(512)
    expect((await parse(header)).size).toBe(size)
  })
})

test.skipIf(process.platform !== 'linux')('GNU tar reads the size of a layer of 9 GiB', async () => {
  const size = 9 * 2 ** 30
  const path = join(temporaryDirectory(), 'large.tar')
  writeFileSync(path, await tarHeader(file(`${id}/layer.tar`), size))
  truncateSync(path, 512 + size + endOfArchive.length)
  const listing = execFileSync('tar', ['--numeric-owner', '-tvf', path], { encoding: 'utf8' })
  expect(listing).toMatch(new RegExp(`^-rw-r--r-- 0/0 +${size} 1970-01-01 .* ${id}/layer\\.tar\n$`))
})

test('a sha512 blob, whose name is too long for ustar, keeps its name and size', async () => {
  const path = `blobs/sha512/${'ab'.repeat(64)}`
  const header = await tarHeader(file(path), 9 * 2 ** 30)
  expect(await parse(header)).toMatchObject({ name: path, size: 9 * 2 ** 30 })
  expect(await tarHeader(file(path), 0)).toHaveLength(header.length)
})

test.each([
  '../evil',
  '/manifest.json',
  './manifest.json',
  'manifest.json\n',
  'manifest.json\0x',
  `${id}/../x`,
  `${id}/layer.tar/`,
  `${id.toUpperCase()}.json`,
  `blobs/sha256/${id}0`,
  'blobs/sha256/',
  '',
])('a file called %j is in no archive', async (path) => {
  await expect(tarHeader(file(path), 0)).rejects.toThrow('is no path of an archive')
})

test.each([
  [0, 0],
  [1, 511],
  [511, 1],
  [512, 0],
  [513, 511],
])('%i bytes of content are filled up with %i zeros', (size, zeros) => {
  expect(padding(size)).toEqual(Buffer.alloc(zeros))
})
