import { describe, expect, test } from 'vitest'
import { decodeDescriptor } from '../../../src/oci/descriptor.ts'

const digest = `sha256:${'ab'.repeat(32)}`
const valid = { mediaType: 'application/x', digest, size: 7 }

describe('decodeDescriptor', () => {
  test('keeps what dray uses', () => {
    const platform = {
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      'os.features': ['x'],
      'os.version': '1',
    }
    const annotations = { a: 'b' }
    expect(decodeDescriptor({ ...valid, platform, annotations, data: 'e30=' }, 'it')).toEqual({
      ...valid,
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', osFeatures: ['x'], osVersion: '1' },
      annotations,
    })
  })

  test('never passes on other places to fetch from', () => {
    expect(decodeDescriptor({ ...valid, urls: ['http://elsewhere.example/'] }, 'it')).toEqual(valid)
  })

  test('takes null for absent, and knows no platform by empty names', () => {
    expect(decodeDescriptor({ ...valid, platform: null, annotations: null }, 'it')).toEqual(valid)
    expect(decodeDescriptor({ ...valid, platform: { os: '', architecture: '' } }, 'it')).toEqual(valid)
    expect(decodeDescriptor({ ...valid, mediaType: undefined }, 'it')).toEqual({ ...valid, mediaType: '' })
  })

  test.each([0, 1, 8_589_934_592, Number.MAX_SAFE_INTEGER])('takes a size of %d bytes', (size) => {
    expect(decodeDescriptor({ ...valid, size }, 'it').size).toBe(size)
  })

  test.each([undefined, null, -1, 1.5, 2 ** 53, 1e300, '7', [7], true])('refuses the size %j', (size) => {
    expect(() => decodeDescriptor({ ...valid, size }, 'it')).toThrow(
      expect.objectContaining({ code: 'INTEGRITY', message: 'size of it must be a whole number of bytes' }),
    )
  })

  test.each([
    [undefined],
    [null],
    ['text'],
    [[valid]],
    [{}],
    [{ ...valid, digest: undefined }],
    [{ ...valid, digest: 'sha256:../../etc/passwd' }],
    [{ ...valid, mediaType: 1 }],
    [{ ...valid, platform: 'linux/amd64' }],
    [{ ...valid, platform: [] }],
    [{ ...valid, annotations: [] }],
    [{ ...valid, annotations: { a: 1 } }],
  ])('refuses %j', (value) => {
    expect(() => decodeDescriptor(value, 'it')).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  })
})
