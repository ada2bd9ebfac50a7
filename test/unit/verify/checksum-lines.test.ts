import { expect, test } from 'vitest'
import { findChecksum } from '../../../src/verify/checksum-lines.ts'

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]

test.each([
  ['a line of sha256sum', `${a}  x.tar\n`],
  ['in binary mode', `${a} *x.tar\n`],
  ['with a path', `${a}  some/where/x.tar`],
  ['in capitals, with the line ends of Windows', `${a.toUpperCase()}  x.tar\r\n`],
  ['among others', `# comment\n${b}  y.tar\n${a}  x.tar\n`],
  ['of BSD', `SHA256 (x.tar) = ${a}\n`],
])('a checksum is found: %s', (_, text) => {
  expect(findChecksum(text, 'x.tar', 'x.tar.sha256')).toBe(`sha256:${a}`)
})

test('a name with line ends and backslashes is escaped', () => {
  expect(findChecksum(`\\${a}  x\\\\y\\nz.tar`, 'y\nz.tar', 'f')).toBe(`sha256:${a}`)
})

test.each([
  ['', 'f has no line that sha256sum -c reads'],
  [`${a}\n`, 'f has no line that sha256sum -c reads'],
  [`${'a'.repeat(63)}  x.tar\n`, 'f has no line that sha256sum -c reads'],
  [`${a}  y.tar\n`, 'f is about "y.tar", not about x.tar'],
])('%j is about no such file', (text, message) => {
  expect(() => findChecksum(text, 'x.tar', 'f')).toThrow(
    expect.objectContaining({ code: 'INTEGRITY', message }),
  )
})
