import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  digestAlgorithm,
  digestHex,
  digestOf,
  digestProblem,
  finishDigest,
  parseDigest,
  shortDigest,
} from '../../../src/oci/digest.ts'

const hex = '0123456789abcdef'.repeat(4)

describe('parseDigest', () => {
  test.each([`sha256:${hex}`, `sha512:${hex}${hex}`])('takes %s', (text) => {
    expect(parseDigest(text)).toBe(text)
  })

  test.each([
    ['', 'an algorithm, a colon and lower-case hex'],
    [hex, 'an algorithm, a colon and lower-case hex'],
    ['sha256:', 'an algorithm, a colon and lower-case hex'],
    [`sha256:${hex.toUpperCase()}`, 'lower-case hex'],
    [`SHA256:${hex}`, 'an algorithm'],
    [`sha256:${hex.slice(1)}`, 'sha256 needs 64 hex digits, not 63'],
    [`sha256:${hex}0`, 'sha256 needs 64 hex digits, not 65'],
    [`sha512:${hex}`, 'sha512 needs 128 hex digits, not 64'],
    [`sha384:${hex}${hex.slice(32)}`, 'the algorithm sha384 is not supported'],
    [`md5:${hex.slice(32)}`, 'the algorithm md5 is not supported'],
    [`constructor:${hex}`, 'the algorithm constructor is not supported'],
    [`sha256:${hex}\n`, 'lower-case hex'],
    [` sha256:${hex}`, 'an algorithm'],
    [`sha256:${hex.slice(1)}\0`, 'lower-case hex'],
    ['sha256:../../../../etc/passwd', 'lower-case hex'],
    ['sha256:..%2f..%2fetc', 'lower-case hex'],
    [`sha256+b64u:${hex}`, 'an algorithm'],
  ])('refuses %j, so that it cannot end in a path or URL', (text, problem) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
    expect(digestProblem(text)).toContain(problem)
  })

  test.each<unknown>([undefined, null, 7, {}, [[`sha256:${hex}`]], { toString: 1 }])(
    'refuses %j, which is no string',
    (value) => {
      expect(() => parseDigest(value)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
    },
  )

  test('prints nothing that could steer a terminal', () => {
    expect(() => parseDigest('\x1b[2J\x9b2J\u202esha256')).toThrow(
      '"\\u001b[2J\\u{9b}2J\\u{202e}sha256" is no digest',
    )
  })
})

describe('a digest', () => {
  test('is taken of bytes, sha256 unless said otherwise', () => {
    expect(digestOf(new Uint8Array())).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(digestOf('{}')).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
    expect(digestOf('', 'sha512')).toMatch(/^sha512:cf83e1357eefb8bd[0-9a-f]{112}$/)
  })

  test('can be finished from a running hash', () => {
    expect(finishDigest(createHash('sha512').update('a'), 'sha512')).toBe(digestOf('a', 'sha512'))
  })

  test('comes apart into algorithm, hex and the short form that docker shows', () => {
    const digest = parseDigest(`sha512:${hex}${hex}`)
    expect(digestAlgorithm(digest)).toBe('sha512')
    expect(digestHex(digest)).toBe(hex + hex)
    expect(shortDigest(digest)).toBe('0123456789ab')
  })
})
