import { endianness } from 'node:os'
import { DrayError, quote } from '../errors.ts'
import { type JsonObject, optionalString, optionalStrings } from './json.ts'

/** What an image runs on: OCI image-spec image-index.md, with Go's names for systems and processors. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** Generation of the processor: `v7`; absent for the usual one. */
  readonly variant?: string
  /** Of Windows: `10.0.20348.2966`. */
  readonly osVersion?: string
  readonly osFeatures?: readonly string[]
}

/**
 * Reads what `--platform` takes, as containerd does: `os`, `architecture`, `os/architecture` or
 * `os/architecture/variant`, where `os` may be `os(version+feature+feature)`. What is not named is the host's.
 * Throws USAGE.
 */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const [first = '', architecture, variant, ...rest] = text.split('/')
  const system = parseSystem(first)
  const valid = [architecture, variant].every((part) => part === undefined || /^[\w.-]+$/.test(part))
  if (!system || !valid || rest.length > 0) throw platformError(text)
  if (architecture !== undefined) return asNamed({ ...system, architecture, ...(variant && { variant }) })
  if (knownSystems.has(system.os)) return { ...host, ...system }
  const machine = asNamed({ os: host.os, architecture: first })
  if (!knownArchitectures.has(machine.architecture)) throw platformError(text)
  return machine
}

function parseSystem(text: string): Omit<Platform, 'architecture' | 'variant'> | undefined {
  const match = /^([\w.-]+)(?:\(([\w.%-]*)((?:\+[\w.%-]+)*)\))?$/.exec(text)
  if (!match) return undefined
  const [, os = '', version, features] = match
  try {
    return {
      os: normalizeSystem(os),
      ...(version && { osVersion: decodeURIComponent(version) }),
      ...(features && { osFeatures: features.slice(1).split('+').map(decodeURIComponent) }),
    }
  } catch {
    return undefined
  }
}

function platformError(text: string): DrayError {
  return new DrayError('USAGE', `${quote(text)} is no platform`, {
    hint: 'a platform is OS/ARCH or OS/ARCH/VARIANT, as in linux/arm64 or linux/arm/v6',
  })
}

/** Normalised, but the usual variant is kept where it was named and left out where it was not, as docker shows it. */
function asNamed(platform: Platform): Platform {
  const normal = normalizePlatform(platform)
  const { variant, ...others } = normal
  if (platform.variant === undefined) return variant === 'v7' ? others : normal
  return others.architecture === 'arm64' && !variant ? { ...others, variant: 'v8' } : normal
}

const knownSystems = new Set('darwin dragonfly freebsd linux netbsd openbsd solaris windows'.split(' '))

const knownArchitectures = new Set(
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' '),
)

/** One spelling for each platform, the usual variant left out: `Linux/aarch64/v8` becomes `linux/arm64`. */
export function normalizePlatform({ os, architecture, variant, ...others }: Platform): Platform {
  const lower = architecture.toLowerCase()
  const [name, implied] = architectureNames.get(lower) ?? [lower]
  const given = implied ?? variant?.toLowerCase() ?? ''
  const usual = variantNames.get(`${name}/${given}`) ?? given
  return { ...others, os: normalizeSystem(os), architecture: name, ...(usual && { variant: usual }) }
}

function normalizeSystem(os: string): string {
  const lower = os.toLowerCase()
  return lower === 'macos' ? 'darwin' : lower
}

/** Other names of processors, some of which say the variant too. */
const architectureNames: ReadonlyMap<string, readonly [string, string?]> = new Map([
  ['i386', ['386', '']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
])

const variantNames: ReadonlyMap<string, string> = new Map([
  ['amd64/v1', ''],
  ['arm/', 'v7'],
  ['arm/5', 'v5'],
  ['arm/6', 'v6'],
  ['arm/7', 'v7'],
  ['arm/8', 'v8'],
  ['arm64/8', ''],
  ['arm64/v8', ''],
  ['arm64/v8.0', ''],
  ['arm64/9', 'v9'],
  ['arm64/9.0', 'v9'],
  ['arm64/v9.0', 'v9'],
])

/** Linux on this machine's processor, whatever system runs here: elsewhere, containers are Linux in a virtual machine. */
export function hostPlatform(
  processor: string = process.arch,
  armVersion: unknown = nodeVariables.arm_version,
): Platform {
  const architecture = goArchitecture(processor)
  const isArm6 = architecture === 'arm' && String(armVersion) === '6'
  return { os: 'linux', architecture, ...(isArm6 && { variant: 'v6' }) }
}

/** How this Node was built; `arm_version` is there on ARM only. */
const nodeVariables: JsonObject = { ...process.config.variables }

/** Node's name of a processor in Go's words. */
function goArchitecture(processor: string): string {
  if (processor === 'ppc64') return endianness() === 'LE' ? 'ppc64le' : 'ppc64'
  return goNames.get(processor) ?? processor
}

const goNames: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['mipsel', 'mipsle'],
  ['mips64el', 'mips64le'],
])

/**
 * `linux/arm64/v8`, `windows(10.0.20348)/amd64`, `linux(+gpu)/amd64`: what {@link parsePlatform} reads. Unusual
 * characters are percent-encoded, so a platform from a registry is safe to print.
 */
export function formatPlatform({ os, architecture, variant, osVersion, osFeatures = [] }: Platform): string {
  const features = osFeatures.filter((feature) => feature !== '').map((feature) => `+${encode(feature)}`)
  const details = `${encode(osVersion ?? '')}${features.sort().join('')}`
  const system = `${encode(os)}${details && `(${details})`}`
  return [system, encode(architecture), ...(variant ? [encode(variant)] : [])].join('/')
}

function encode(text: string): string {
  return text.replace(/[^\w.-]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

/** Platforms are printed, and no real one comes near: 20 characters, two features. */
const longestName = 100
const mostNames = 100

/** Reads the platform in a descriptor or an image config; undefined when it names neither system nor processor. Throws INTEGRITY. */
export function decodePlatform(object: JsonObject, what: string): Platform | undefined {
  const os = optionalString(object, 'os', what)
  const architecture = optionalString(object, 'architecture', what)
  if (os === undefined && architecture === undefined) return undefined
  const variant = optionalString(object, 'variant', what)
  const osVersion = optionalString(object, 'os.version', what)
  const osFeatures = optionalStrings(object, 'os.features', what)
  const names = [os, architecture, variant, osVersion, ...(osFeatures ?? [])]
  if (names.length > mostNames || names.some((name = '') => name.length > longestName)) {
    throw new DrayError('INTEGRITY', `the platform of ${what} is too long to be one`)
  }
  return {
    os: os ?? 'unknown',
    architecture: architecture ?? 'unknown',
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && { osVersion }),
    ...(osFeatures !== undefined && { osFeatures }),
  }
}
