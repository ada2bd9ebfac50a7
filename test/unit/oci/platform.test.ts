import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import { describe, expect, test } from 'vitest'
import {
  decodePlatform,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
} from '../../../src/oci/platform.ts'
import { platformMatches } from '../../../src/oci/select-platform.ts'

interface Vectors {
  readonly parse: readonly {
    readonly input: string
    readonly expected: Readonly<Record<string, unknown>>
    readonly matcher_also_matches: readonly Platform[]
    readonly formatted: string
  }[]
  readonly parse_invalid: readonly { readonly input: string }[]
  readonly format_all: readonly {
    readonly platform: Readonly<Record<string, unknown>>
    readonly formatted: string
  }[]
  readonly normalize: readonly { readonly in: Processor; readonly out: Processor }[]
}

interface Processor {
  readonly architecture: string
  readonly variant: string
}

const fixture = new URL('../../fixtures/platform-vectors.json', import.meta.url)
const vectors: Vectors = JSON.parse(readFileSync(fixture, 'utf8'))

const hosts: readonly Platform[] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm', variant: 'v6' },
]

describe("containerd's own examples", () => {
  describe.each(hosts)('on $os/$architecture', (host) => {
    test.each(vectors.parse)('$input is read as $formatted', ({ input, expected, formatted, ...row }) => {
      const platform = parsePlatform(input, host)
      expect(platform).toEqual(decodePlatform(onHost(expected, host), 'the vector'))
      const architecture = host.variant ? `${host.architecture}/${host.variant}` : host.architecture
      expect(formatPlatform(platform)).toBe(onHost(formatted, { ...host, architecture }))
      for (const other of row.matcher_also_matches) expect(platformMatches(platform, other)).toBe(true)
    })
  })

  test.each(vectors.parse_invalid)('"$input" is no platform', ({ input }) => {
    expect(() => parsePlatform(input)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test.each(vectors.format_all)('$formatted is printed and read again', ({ platform, formatted }) => {
    const decoded = decodePlatform(platform, 'the vector')
    expect(decoded && formatPlatform(decoded)).toBe(formatted)
    expect(formatPlatform(parsePlatform(formatted))).toBe(formatted)
  })

  test.each(vectors.normalize)(
    '$in.architecture $in.variant is one spelling of $out.architecture $out.variant',
    (row) => {
      const { variant, ...out } = row.out
      expect(normalizePlatform({ os: 'linux', ...row.in })).toEqual({
        os: 'linux',
        ...out,
        ...(variant && { variant }),
      })
    },
  )
})

function onHost<T>(value: T, { os, architecture, variant = '' }: Platform): T {
  const text = JSON.stringify(value)
  return JSON.parse(
    text
      .replaceAll('$HOST_OS', os)
      .replaceAll('$HOST_ARCH', architecture)
      .replaceAll('$HOST_VARIANT', variant),
  )
}

describe('parsePlatform', () => {
  test.each([
    'linux/',
    '/arm64',
    'linux//v8',
    'linux/arm64/',
    'toaster',
    'linux/arm 64',
    ' linux/arm64',
    'windows(10.0/amd64',
    'windows(10%zz)/amd64',
    'linux/arm64\n',
    'linux/*',
  ])('refuses %j and shows what a platform looks like', (text) => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: `${JSON.stringify(text)} is no platform`,
        hint: expect.stringContaining('linux/arm64'),
      }),
    )
  })

  test('takes systems and processors it has never heard of when both are named', () => {
    expect(parsePlatform('Haiku/SPARC64')).toEqual({ os: 'haiku', architecture: 'sparc64' })
  })

  test('fills in this machine where none is given', () => {
    expect(parsePlatform('linux')).toEqual(hostPlatform())
  })
})

describe('hostPlatform', () => {
  test('is Linux on every system', () => {
    expect(hostPlatform().os).toBe('linux')
  })

  test.each([
    ['x64', 'amd64'],
    ['ia32', '386'],
    ['arm', 'arm'],
    ['arm64', 'arm64'],
    ['s390x', 's390x'],
    ['riscv64', 'riscv64'],
    ['loong64', 'loong64'],
    ['mipsel', 'mipsle'],
    ['mips64el', 'mips64le'],
  ])("Node's %s is linux/%s", (processor, architecture) => {
    expect(hostPlatform(processor)).toEqual({ os: 'linux', architecture })
  })

  test("Node's ppc64 is ppc64le where the little end comes first", () => {
    expect(hostPlatform('ppc64').architecture).toBe(endianness() === 'LE' ? 'ppc64le' : 'ppc64')
  })

  test('an old Raspberry Pi gets images for its processor', () => {
    expect(hostPlatform('arm', '6')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v6' })
    expect(hostPlatform('arm', '7')).toEqual({ os: 'linux', architecture: 'arm' })
  })
})

describe('a platform from a registry', () => {
  test('is printed without anything that could steer a terminal or leave a directory', () => {
    const platform = { os: '\x1b[2J', architecture: '../a', variant: '\u202e\ud800' }
    expect(formatPlatform(platform)).toBe('%1B%5B2J/..%2Fa/%E2%80%AE%EF%BF%BD')
  })

  test('may call itself like a property of every object', () => {
    const platform = { os: 'constructor', architecture: '__proto__', variant: 'toString' }
    expect(normalizePlatform(platform)).toEqual({
      os: 'constructor',
      architecture: '__proto__',
      variant: 'tostring',
    })
  })

  test('is none when it names neither system nor processor', () => {
    expect(decodePlatform({}, 'it')).toBeUndefined()
    expect(decodePlatform({ os: '', architecture: null }, 'it')).toBeUndefined()
  })

  test('is unknown in part when it names only the other part', () => {
    expect(decodePlatform({ os: 'linux' }, 'it')).toEqual({ os: 'linux', architecture: 'unknown' })
    expect(decodePlatform({ architecture: 'arm' }, 'it')).toEqual({ os: 'unknown', architecture: 'arm' })
  })

  test.each([
    { os: 1 },
    { os: 'linux', architecture: ['amd64'] },
    { os: 'linux', 'os.features': 'gpu' },
    { os: 'linux', 'os.features': [1] },
    { os: 'linux', 'os.version': {} },
  ])('is refused as %j', (object) => {
    expect(() => decodePlatform(object, 'it')).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  })
})
