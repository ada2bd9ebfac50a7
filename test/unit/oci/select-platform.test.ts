import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { formatPlatform, normalizePlatform, type Platform, parsePlatform } from '../../../src/oci/platform.ts'
import { platformMatches, selectPlatform } from '../../../src/oci/select-platform.ts'

interface Vectors {
  readonly only: readonly {
    readonly platform: string
    readonly matches: readonly string[]
    readonly rejects: readonly string[]
  }[]
  readonly only_order: readonly { readonly platform: string; readonly order: readonly string[] }[]
  readonly os_features_order: readonly {
    readonly platform: string
    readonly input: readonly string[]
    readonly sorted: readonly string[]
  }[]
  readonly windows_compat: readonly {
    readonly host_build: number
    readonly container_build: number
    readonly runs: boolean
  }[]
}

const fixture = new URL('../../fixtures/platform-vectors.json', import.meta.url)
const vectors: Vectors = JSON.parse(readFileSync(fixture, 'utf8'))

const matches = (wanted: string, actual: string) =>
  platformMatches(parsePlatform(wanted), parsePlatform(actual))

describe("containerd's own examples", () => {
  const pairs = vectors.only.flatMap((row) => [
    ...row.matches.map((actual) => ({ wanted: row.platform, actual, verb: 'runs', runs: true })),
    ...row.rejects.map((actual) => ({ wanted: row.platform, actual, verb: 'does not run', runs: false })),
  ])

  test.each(pairs)('$wanted $verb $actual', ({ wanted, actual, runs }) => {
    expect(matches(wanted, actual)).toBe(runs)
  })

  const everything = [...new Set([...vectors.only, ...vectors.only_order].flatMap(platformsOf))].sort()

  test.each(vectors.only_order)('$platform prefers $order', ({ platform, order }) => {
    if (order.length === 0) expect(() => select(platform, everything)).toThrow('no image for')
    else expect(canonical(select(platform, everything))).toEqual(canonical(order))
  })

  test.each(vectors.os_features_order)(
    '$platform prefers images that use more of it',
    ({ platform, input, sorted }) => {
      const running = sorted.filter((actual) => matches(platform, actual))
      expect(select(platform, input)).toEqual(running)
      expect(running).toEqual(sorted.slice(0, running.length))
      expect(running).toHaveLength(2)
    },
  )

  test.each(vectors.windows_compat)(
    'build $host_build of Windows, image of $container_build: $runs',
    (row) => {
      expect(matches(windows(row.host_build), windows(row.container_build))).toBe(row.runs)
    },
  )
})

function platformsOf(row: { matches?: readonly string[]; order?: readonly string[] }): readonly string[] {
  return row.matches ?? row.order ?? []
}

/** Different spellings of a platform count as one. */
function canonical(platforms: readonly string[]): readonly string[] {
  return [...new Set(platforms.map((text) => formatPlatform(normalizePlatform(parsePlatform(text)))))]
}

function windows(build: number | string): string {
  return `windows(10.0.${build})/amd64`
}

function select(wanted: string, available: readonly string[]): readonly string[] {
  const manifests = available.map((text) => entry({ platform: parsePlatform(text) }))
  return selectPlatform(manifests, parsePlatform(wanted)).map(
    (found) => available[manifests.indexOf(found)] ?? '?',
  )
}

let made = 0

function entry(extra: Partial<Descriptor> = {}): Descriptor {
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(String(made++)), size: 1, ...extra }
}

const linux = (architecture: string, variant?: string): Platform => ({
  os: 'linux',
  architecture,
  ...(variant && { variant }),
})

describe('selectPlatform', () => {
  test('takes the first of equals', () => {
    const [first, second] = [entry({ platform: linux('amd64') }), entry({ platform: linux('x86_64') })]
    expect(selectPlatform([first, second], linux('amd64'))).toEqual([first, second])
    expect(selectPlatform([second, first], linux('amd64'))).toEqual([second, first])
  })

  test('leaves the list it was given as it is', () => {
    const manifests = [entry({ platform: linux('386') }), entry({ platform: linux('amd64') })]
    const before = [...manifests]
    selectPlatform(manifests, linux('amd64'))
    expect(manifests).toEqual(before)
  })

  test('tries entries that do not say their platform last', () => {
    const [unnamed, nested] = [entry(), entry({ mediaType: mediaTypes.ociIndex })]
    const [old, best] = [entry({ platform: linux('386') }), entry({ platform: linux('amd64') })]
    expect(selectPlatform([unnamed, old, nested, best], linux('amd64'))).toEqual([best, old, unnamed, nested])
    expect(selectPlatform([old, unnamed], linux('s390x'))).toEqual([unnamed])
  })

  test('passes attestations over, whatever platform they claim', () => {
    const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
    const unknown = { os: 'unknown', architecture: 'unknown' }
    const image = entry({ platform: linux('amd64') })
    const attestations = [
      entry({ annotations }),
      entry({ annotations, platform: linux('amd64') }),
      entry({ annotations, platform: unknown }),
      entry({ platform: unknown }),
    ]
    expect(selectPlatform([...attestations, image], linux('amd64'))).toEqual([image])
    expect(() => selectPlatform(attestations, linux('amd64'))).toThrow('there is none at all')
  })

  test('lists what there is, each once, when nothing matches', () => {
    const platforms = [
      linux('amd64'),
      linux('arm', 'v7'),
      linux('amd64'),
      { os: 'windows', architecture: 'amd64', osVersion: '10.0.1' },
    ]
    const manifests = platforms.map((platform) => entry({ platform }))
    expect(() => selectPlatform(manifests, linux('riscv64'))).toThrow(
      expect.objectContaining({
        code: 'NO_MATCHING_PLATFORM',
        message: 'no image for linux/riscv64; there is linux/amd64, linux/arm/v7, windows(10.0.1)/amd64',
        hint: 'choose one of them, as in --platform linux/amd64',
      }),
    )
  })

  test('does not flood the terminal with a list that a registry made up', () => {
    const manifests = Array.from({ length: 1000 }, (_, i) => entry({ platform: linux(`\x1b${i}`) }))
    expect(() => selectPlatform(manifests, linux('amd64'))).toThrow(/%1B18, linux\/%1B19 and 980 more$/)
  })

  test('has nothing to choose from in an empty index', () => {
    expect(() => selectPlatform([], linux('amd64'))).toThrow(
      expect.objectContaining({ code: 'NO_MATCHING_PLATFORM' }),
    )
  })

  test('prefers the newest Windows that runs', () => {
    const builds = ['20348.9', '20348.1000', '26100.1', '25398.5'].map(windows)
    expect(select('windows/amd64', builds)).toEqual(
      ['26100.1', '25398.5', '20348.1000', '20348.9'].map(windows),
    )
    expect(select(windows(25398), builds)).toEqual(['25398.5', '20348.1000', '20348.9'].map(windows))
  })
})

describe('platformMatches', () => {
  test.each([
    [windows(26100), windows(20348), true],
    [windows(26100), windows(20347), false],
    [windows(26101), windows(25398), false],
    [windows(20348), windows(20348), true],
    [windows(20348), windows(20349), false],
    [windows(20348), 'windows/amd64', true],
    [windows(20348), 'windows(11.0.20348)/amd64', false],
    [windows(20348), 'windows(nonsense)/amd64', false],
    ['windows/amd64', 'windows(10.0.17763+win32k)/amd64', true],
    ['linux/amd64', 'linux(+gpu)/amd64', false],
    ['linux(+gpu)/amd64', 'linux(+gpu)/amd64', true],
    ['linux/amd64/v9', 'linux/amd64/v9', true],
    ['linux/amd64/v9', 'linux/amd64', false],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v7', 'linux/arm64/v7', false],
    ['linux/riscv64/rva23u64', 'linux/riscv64/rva23u64', true],
    ['linux/riscv64', 'linux/riscv64/rva23u64', false],
    ['darwin/arm64', 'linux/arm64', false],
  ])('wanted %s, image for %s: %s', (wanted, actual, runs) => {
    expect(matches(wanted, actual)).toBe(runs)
  })

  test('takes names of properties for what they are', () => {
    const platform = linux('constructor', 'toString')
    expect(platformMatches(platform, platform)).toBe(true)
    expect(formatPlatform(platform)).toBe('linux/constructor/toString')
  })
})
