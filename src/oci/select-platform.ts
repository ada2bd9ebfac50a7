import { DrayError } from '../errors.ts'
import type { Descriptor } from './descriptor.ts'
import { formatPlatform, normalizePlatform, type Platform } from './platform.ts'

/**
 * Chooses from an index what runs on `wanted`, best first in the order of containerd's `platforms.Only`; never empty.
 * Entries that do not say their platform may turn out to match and come last; attestations are left out.
 * Throws NO_MATCHING_PLATFORM, listing what there is.
 */
export function selectPlatform(manifests: readonly Descriptor[], wanted: Platform): readonly Descriptor[] {
  const images = manifests.filter((descriptor) => !isAttestation(descriptor))
  const named = images.flatMap((descriptor) => rate(descriptor, wanted)).sort(compareRatings)
  const unnamed = images.filter(({ platform }) => !platform)
  if (named.length + unnamed.length === 0) throw noMatchingPlatform(images, wanted)
  return [...named.map(({ descriptor }) => descriptor), ...unnamed]
}

/** True when an image for `actual` runs on `wanted`. */
export function platformMatches(wanted: Platform, actual: Platform): boolean {
  return preference(wanted, actual) !== undefined
}

/** What BuildKit adds to an index beside the images: signed statements about them, in the form of images. */
function isAttestation({ annotations, platform }: Descriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] !== undefined ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  )
}

interface Rating {
  readonly descriptor: Descriptor
  /** 0 is best. */
  readonly preference: number
  readonly features: number
  readonly osVersion: string
}

function rate(descriptor: Descriptor, wanted: Platform): Rating[] {
  const { platform } = descriptor
  const found = platform && preference(wanted, platform)
  if (!platform || found === undefined) return []
  const { osVersion = '', osFeatures = [] } = platform
  return [{ descriptor, preference: found, features: osFeatures.length, osVersion }]
}

function compareRatings(a: Rating, b: Rating): number {
  return (
    a.preference - b.preference ||
    b.features - a.features ||
    b.osVersion.localeCompare(a.osVersion, 'en', { numeric: true })
  )
}

/** How well `actual` suits `wanted`, 0 being best; undefined when it does not run there. */
function preference(wanted: Platform, actual: Platform): number | undefined {
  const host = normalizePlatform(wanted)
  const image = normalizePlatform(actual)
  const index = runnableProcessors(host).indexOf(processor(image))
  const runs = index !== -1 && host.os === image.os && hasFeatures(host, image) && runsWindows(host, image)
  return runs ? index : undefined
}

function hasFeatures(host: Platform, image: Platform): boolean {
  const available = new Set(host.osFeatures)
  return (image.osFeatures ?? []).every((feature) => feature === 'win32k' || available.has(feature))
}

/** Windows builds from which on a host also runs images of the builds since the one before. */
const windowsReleases = [20348, 26100]

/** A Windows container shares the host's kernel interface, which stays compatible within a release only. */
function runsWindows(host: Platform, image: Platform): boolean {
  if (host.os !== 'windows' || !host.osVersion || !image.osVersion) return true
  const [hostMajor, hostMinor, hostBuild = 0] = host.osVersion.split('.').map(Number)
  const [major, minor, build = 0] = image.osVersion.split('.').map(Number)
  if (hostMajor !== major || hostMinor !== minor) return false
  const [first = 0] = windowsReleases
  if (hostBuild < first) return build === hostBuild
  const oldest = windowsReleases.findLast((release) => release < hostBuild) ?? first
  return oldest <= build && build <= hostBuild
}

/** The processors whose images run on `host`, best first: a newer one runs what was built for an older one. */
function runnableProcessors(host: Platform): readonly string[] {
  switch (host.architecture) {
    case 'amd64':
      return [...startingWith(processor(host), amd64), '386']
    case 'arm':
      return startingWith(processor(host), arm)
    case 'arm64':
      return arm64(host.variant ?? 'v8')
    default:
      return [processor(host)]
  }
}

function processor({ architecture, variant }: Platform): string {
  return variant ? `${architecture}/${variant}` : architecture
}

const amd64 = ['amd64/v4', 'amd64/v3', 'amd64/v2', 'amd64']
const arm = ['arm/v8', 'arm/v7', 'arm/v6', 'arm/v5']

/** `first` and what comes after it in `list`; `first` alone when it is not there. */
function startingWith(first: string, list: readonly string[]): readonly string[] {
  const index = list.indexOf(first)
  return index === -1 ? [first] : list.slice(index)
}

/** v8.0 to v8.9 and v9.0 to v9.9, where v9.n can do what v8.(n+5) can; nothing for a variant that is none of these. */
function arm64(variant: string): readonly string[] {
  const match = /^v([89])(?:\.([0-9]))?$/.exec(variant)
  if (!match) return []
  const minor = Number(match[2] ?? 0)
  const nine = match[1] === '9' ? descending('arm64/v9', 'arm64/v9', minor) : []
  const eight = descending('arm64/v8', 'arm64', match[1] === '9' ? Math.min(minor + 5, 9) : minor)
  return [...nine, ...eight, ...arm]
}

/** `prefix.minor` down to `prefix.1`, then `zero`. */
function descending(prefix: string, zero: string, minor: number): readonly string[] {
  return [...Array.from({ length: minor }, (_, i) => `${prefix}.${minor - i}`), zero]
}

const longestList = 20

function noMatchingPlatform(images: readonly Descriptor[], wanted: Platform): DrayError {
  const names = images.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []))
  const available = [...new Set(names)]
  const shown = available.slice(0, longestList).join(', ') || 'none at all'
  const more = available.length > longestList ? ` and ${available.length - longestList} more` : ''
  const message = `no image for ${formatPlatform(wanted)}; there is ${shown}${more}`
  const hint = available[0] && `choose one of them, as in --platform ${available[0]}`
  return new DrayError('NO_MATCHING_PLATFORM', message, { hint })
}
