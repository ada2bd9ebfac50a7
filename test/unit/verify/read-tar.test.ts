import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { type Headers, pack } from 'tar-stream'
import { describe, expect, test } from 'vitest'
import { readTar, type TarEntry } from '../../../src/verify/read-tar.ts'
import { decodePax } from '../../../src/verify/tar-header.ts'

/** The entries, with their content, and the end. */
async function read(bytes: Buffer, chunk = 700) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  )
  const entries: (Omit<TarEntry, 'content'> & { content: string })[] = []
  const end = await readTar(Readable.from(pieces, { objectMode: false }), async (entry) => {
    entries.push({ ...entry, content: await text(entry.content) })
  })
  return { entries, end }
}

async function tarOf(
  ...entries: readonly (Headers & { readonly content?: string; readonly pax?: object })[]
): Promise<Buffer> {
  const tar = pack()
  const bytes = buffer(tar)
  for (const { content = '', ...header } of entries) tar.entry(header, content)
  tar.finalize()
  return bytes
}

describe('every entry is read', () => {
  test.each([1, 511, 512, 513, 100_000])('in chunks of %i bytes', async (chunk) => {
    const bytes = await tarOf(
      { name: 'a/', type: 'directory' },
      { name: 'a/b', content: 'x'.repeat(1300) },
      { name: 'c' },
    )
    const { entries, end } = await read(bytes, chunk)
    expect(entries.map(({ name, type, size, offset }) => [name, type, size, offset])).toEqual([
      ['a/', 'directory', 0, 0],
      ['a/b', 'file', 1300, 512],
      ['c', 'file', 0, 2560],
    ])
    expect(entries[1]?.content).toBe('x'.repeat(1300))
    expect(end).toEqual({ size: bytes.length, endMark: 'whole', complete: true })
  })

  test('what is not wanted is passed over', async () => {
    const names: string[] = []
    const bytes = await tarOf({ name: 'a', content: 'x'.repeat(5000) }, { name: 'b', content: 'y' })
    await readTar(Readable.from([bytes]), async ({ name }) => void names.push(name))
    expect(names).toEqual(['a', 'b'])
  })

  test.each([
    ['of 200 characters', `${'d'.repeat(90)}/${'e'.repeat(109)}`],
    ['in any alphabet', 'ünï/日本語 😀'],
    ['too long for ustar', 'f'.repeat(300)],
  ])('by a name %s', async (_, name) => {
    const { entries } = await read(await tarOf({ name, content: 'x' }, { name: 'short' }))
    expect(entries.map((entry) => entry.name)).toEqual([name, 'short'])
  })

  test('by the long names of GNU tar', async () => {
    const [name, target] = ['n'.repeat(150), 't'.repeat(150)]
    const bytes = Buffer.concat([
      longName('L', name),
      longName('K', target),
      (await tarOf({ name: 'cut', type: 'symlink', linkname: 'cut' })).subarray(0, 512),
      Buffer.alloc(1024),
    ])
    const { entries } = await read(bytes)
    expect(entries).toMatchObject([{ name, target, type: 'symlink' }])
  })

  test('by the size in a pax header', async () => {
    const bytes = await tarOf({ name: 'a', pax: { size: '3' }, content: 'abc' }, { name: 'b' })
    expect((await read(bytes)).entries.map(({ size }) => size)).toEqual([3, 0])
  })
})

function longName(flag: string, value: string): Buffer {
  const header = Buffer.alloc(512)
  header.write('././@LongLink')
  header.write(`${(value.length + 1).toString(8).padStart(11, '0')}\0`, 124)
  header.write(flag, 156)
  header.write('ustar  \0', 257)
  return Buffer.concat([resum(header), Buffer.from(value.padEnd(512, '\0'))])
}

function resum(header: Buffer): Buffer {
  header.fill(32, 148, 156)
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

describe('the end', () => {
  const one = tarOf({ name: 'a', content: 'abc' })
  const problemOf = async (bytes: Buffer) => (await read(bytes)).end.problem?.message

  test('may be followed by zeros', async () => {
    const { end } = await read(Buffer.concat([await one, Buffer.alloc(9000)]))
    expect(end).toMatchObject({ endMark: 'whole', complete: true })
    expect(end.problem).toBeUndefined()
  })

  test.each([
    [0, 'missing'],
    [512, 'cut'],
    [700, 'cut'],
  ] as const)('of %i zeros is %s', async (zeros, endMark) => {
    const { end } = await read((await one).subarray(0, 1024 + zeros))
    expect(end).toMatchObject({ endMark, complete: true })
  })

  test.each([
    [1, 'it ends at byte 1, within the header of an entry'],
    [511, 'it ends at byte 511, within the header of an entry'],
    [513, 'it ends at byte 513: 1 of its 3 bytes are there'],
    [600, 'it ends at byte 600, right after its content'],
  ])('after %i bytes is a cut', async (size, message) => {
    expect(await problemOf((await one).subarray(0, size))).toBe(`the archive is cut short: ${message}`)
  })
})

describe('hostile headers', () => {
  const withHeader = async (change: (header: Buffer) => void) => {
    const bytes = await tarOf({ name: 'a', content: 'abc' })
    change(bytes)
    return (await read(resum(bytes))).end
  }

  test.each([
    ['a negative size', Buffer.from(`ff${'ff'.repeat(11)}`, 'hex')],
    ['a size beyond all numbers', Buffer.from(`80${'ff'.repeat(11)}`, 'hex')],
    ['a size in words', Buffer.from('a few bytes\0')],
  ])('%s ends the walk', async (_, size) => {
    const { problem, complete } = await withHeader((header) => size.copy(header, 124))
    expect({ complete, message: problem?.message }).toEqual({
      complete: false,
      message: 'the header of "a" has a size that is no number',
    })
  })

  test('a pax header of gigabytes is not read', async () => {
    const { problem } = await withHeader((header) => {
      header.write('77777777777', 124)
      header.write('x', 156)
    })
    expect(problem?.message).toBe('a header of type pax wants 8589934591 bytes')
  })

  test('a name of thousands of bytes ends the walk', async () => {
    const { end } = await read(await tarOf({ name: 'n'.repeat(4000) }))
    expect(end.problem).toMatchObject({ kind: 'unreadable', message: 'a name has 4000 bytes' })
  })

  test.each(['5 a=b', '99 path=x\n', 'x path=x\n', '6 ab\n\n', '0 a=b\n', '7 a=b\nx', '-1 a=b\n'])(
    'a pax header that says %j is malformed',
    (records) => {
      expect(decodePax(Buffer.from(records))).toBeUndefined()
    },
  )

  test('a pax header with records is read', () => {
    expect(decodePax(Buffer.from('8 a=b=c\n12 path=ü/\n'))).toEqual(
      new Map([
        ['a', 'b=c'],
        ['path', 'ü/'],
      ]),
    )
  })
})
