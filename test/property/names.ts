import assert from 'node:assert/strict'
import fc from 'fast-check'
import { archiveFileName } from '../../src/archive/archive-name.ts'
import { digestProblem, parseDigest } from '../../src/oci/digest.ts'
import {
  decodePlatform,
  formatPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
} from '../../src/oci/platform.ts'
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from '../../src/oci/reference.ts'
import { selectPlatform } from '../../src/oci/select-platform.ts'
import { defaultEndpoints } from '../../src/registry/endpoint.ts'
import { hostileText, json, repetitive, textLike } from './arbitraries.ts'
import { property, unlessRefused, unprintable } from './property.ts'

const hex = 'abcdef01'.repeat(8)

const references = [
  'nginx',
  'nginx:1.27-alpine',
  'org/app:latest',
  'ghcr.io/org/deep/app__x/y-z.w:V1.2_3',
  `docker.io/library/nginx@sha256:${hex}`,
  `nginx:1@sha256:${hex}`,
  `localhost/a@sha512:${hex}${hex}`,
  'localhost:5000/app',
  '127.0.0.1:5000/app:1',
  '[::1]:5000/app',
  '[2001:db8::1]/a/b:c',
  'REGISTRY/app',
  'xn--bcher-kva.example/buch',
  'index.docker.io/nginx',
]

const referencePieces = [
  ...'aZ09._-:/@[]',
  '__',
  '--',
  'localhost',
  'docker.io/',
  'library/',
  'sha256:',
  hex,
  `@sha256:${hex}`,
  'https://',
  ':99999',
  'user:password@',
]

const anyReference = textLike(references, referencePieces)

/** The grammar of github.com/distribution/reference once more, read letter by letter. */
function fitsGrammar(text: string): boolean {
  if (/^[0-9a-f]{64}$/.test(text)) return false
  const [named = '', ...digests] = text.split('@')
  if (digests.length > 1 || (digests.length === 1 && !isDigest(digests[0] ?? ''))) return false
  const slash = named.indexOf('/')
  const first = slash === -1 ? '' : named.slice(0, slash)
  const hasDomain =
    first === 'localhost' || [...first].some((letter) => '.:'.includes(letter) || isUpper(letter))
  if (hasDomain && !isDomain(first)) return false
  const rest = hasDomain ? named.slice(slash + 1) : named
  const colon = rest.lastIndexOf(':')
  const hasTag = colon > rest.lastIndexOf('/')
  if (hasTag && !isTag(rest.slice(colon + 1))) return false
  const path = hasTag ? rest.slice(0, colon) : rest
  const isHub = !hasDomain || first === 'docker.io' || first === 'index.docker.io'
  const full = isHub && !path.includes('/') ? `library/${path}` : path
  return full.length <= 255 && path.split('/').every(isComponent)
}

/** The grammar has hosts that are none: a port of six digits, a label that begins like another alphabet. */
function hasAddress(text: string): boolean {
  const [first = ''] = text.split('/')
  const isHost = text.includes('/') && (first === 'localhost' || /[.:A-Z]/.test(first))
  return !isHost || URL.canParse(`https://${first}/`)
}

const isUpper = (letter: string) => letter >= 'A' && letter <= 'Z'
const isLower = (letter: string) => letter >= 'a' && letter <= 'z'
const isNumber = (letter: string) => letter >= '0' && letter <= '9'
const isAlphanumeric = (letter: string) => isLower(letter) || isNumber(letter)

function isDigest(text: string): boolean {
  const [algorithm, digits = '', ...others] = text.split(':')
  const length = { sha256: 64, sha512: 128 }[algorithm ?? '']
  const isHex = [...digits].every((digit) => '0123456789abcdef'.includes(digit))
  return others.length === 0 && digits.length === length && isHex
}

function isDomain(text: string): boolean {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (port !== undefined && (port === '' || ![...port].every(isNumber))) return false
  if (host.startsWith('[')) {
    const address = host.slice(1, -1)
    return address !== '' && [...address].every((letter) => '0123456789abcdefABCDEF:'.includes(letter))
  }
  return host.split('.').every((label) => {
    const letters = [...label]
    const isFine = letters.every((letter) => isAlphanumeric(letter) || isUpper(letter) || letter === '-')
    return isFine && label !== '' && !label.startsWith('-') && !label.endsWith('-')
  })
}

function isTag(text: string): boolean {
  const letters = [...text]
  const isWord = (letter: string) => isAlphanumeric(letter) || isUpper(letter) || letter === '_'
  const [first = ''] = letters
  if (first === '' || !isWord(first) || letters.length > 128) return false
  return letters.every((letter) => isWord(letter) || letter === '.' || letter === '-')
}

function isComponent(text: string): boolean {
  const words = text.split(/[._-]+/)
  const separators = text.match(/[._-]+/g) ?? []
  const isSeparator = (each: string) =>
    ['.', '_', '__'].includes(each) || [...each].every((letter) => letter === '-')
  return (
    words.every((word) => word !== '' && [...word].every(isAlphanumeric)) && separators.every(isSeparator)
  )
}

const platformFields = ['os', 'architecture', 'variant', 'os.version', 'os.features']
const platformWords = [
  'linux',
  'windows',
  'amd64',
  'arm64',
  'arm',
  'v7',
  'v8',
  'v9.5',
  'macOS',
  '10.0.20348.2966',
]

const anyPlatform: fc.Arbitrary<Platform> = fc.record(
  {
    os: fc.oneof(fc.constantFrom(...platformWords), hostileText.filter(Boolean)),
    architecture: fc.oneof(fc.constantFrom(...platformWords), hostileText.filter(Boolean)),
    variant: fc.oneof(fc.constantFrom(...platformWords), hostileText.filter(Boolean)),
    osVersion: fc.oneof(fc.constantFrom(...platformWords), hostileText.filter(Boolean)),
    osFeatures: fc.array(fc.oneof(fc.constantFrom('win32k', 'gpu'), hostileText), { maxLength: 3 }),
  },
  { requiredKeys: ['os', 'architecture'] },
)

/** `windows(10.0)/amd64` is short for its usual spelling, and is read back as that. */
const settled = (text: string) => formatPlatform(parsePlatform(text))

export const nameProperties = [
  property('an image name is read exactly when the grammar has it', [anyReference], (text) => {
    const reference = unlessRefused(() => parseReference(text))
    assert.equal(reference !== undefined, fitsGrammar(text) && hasAddress(text))
  }),
  property(
    'an image name that was read is read again as the same, long and short',
    [anyReference],
    (text) => {
      const reference = unlessRefused(() => parseReference(text))
      if (!reference) return
      assert.deepEqual(parseReference(formatReference(reference)), reference)
      // Of `docker.io/host.example/app`, docker too leaves out what would be needed to read it again.
      if (reference.registry === 'docker.io' && /^(localhost|[^/]*\.[^/]*)\//.test(reference.repository))
        return
      assert.deepEqual(parseReference(familiarReference(reference)), reference)
    },
  ),
  property(
    'an image name leads to one place on the registry that it names, and nowhere else',
    [anyReference],
    (text) => {
      const reference = unlessRefused(() => parseReference(text))
      if (!reference) return
      const { registry, repository, tag, digest } = reference
      assert.match(registry, /^[A-Za-z0-9.:[\]-]+$/)
      const [endpoint] = unlessRefused(() => defaultEndpoints(reference)) ?? []
      if (!endpoint) return
      const { root } = endpoint
      assert.deepEqual([root.username, root.password, root.search, root.hash], ['', '', '', ''])
      const path = `${repository}/manifests/${digest ?? tag}`
      const url = new URL(path, root)
      assert.equal(url.href, `${root.href}${path}`)
    },
  ),
  property(
    'what stands before the @ of a wrong image name is not repeated',
    [fc.constantFrom('', 'https://', 'docker://'), fc.constantFrom('', ':', '/'), anyReference],
    (scheme, separator, rest) => {
      const secret = 'hunter2-and-more'
      try {
        parseReference(`${scheme}user:${secret}${separator}@host.example/${rest.replaceAll('@', '')}`)
      } catch (error) {
        assert.doesNotMatch(String(error), /hunter2/)
        return
      }
      assert.fail('it was taken for a name')
    },
  ),
  property(
    'the default file name is a plain name on every system',
    [fc.array(anyReference, { maxLength: 3 }), fc.option(anyPlatform, { nil: undefined })],
    (texts, platform) => {
      const named = texts.map((text) => unlessRefused(() => parseReference(text))).filter(Boolean)
      const name = archiveFileName(named as Reference[], platform)
      assert.match(name, /^[A-Za-z0-9_][A-Za-z0-9._-]*\.tar$/)
      assert.doesNotMatch(name, /^(con|prn|aux|nul|com[0-9]|lpt[0-9])\./i)
      assert.ok(name.length <= 140)
    },
  ),
  property(
    'a digest is an algorithm that is known and as many small hex digits as it has, nothing else',
    [
      fc.oneof(
        textLike(
          [`sha256:${hex}`, `sha512:${hex}${hex}`],
          ['sha256:', 'sha512:', 'md5:', 'SHA256:', hex, ...'0aAgG:/.', '\n'],
        ),
        fc.anything(),
      ),
    ],
    (text) => {
      const digest = unlessRefused(() => parseDigest(text))
      assert.equal(digest !== undefined, typeof text === 'string' && isDigest(text))
      if (typeof text === 'string') assert.equal(digestProblem(text) === undefined, digest !== undefined)
    },
  ),
  property(
    'a platform that was read can be written, and is read again as the same',
    [
      textLike(
        ['linux/arm64/v8', 'windows(10.0.1+a+b)/amd64', 'linux/arm/v7', 'arm64'],
        [...platformWords, ...'/()+%.'],
      ),
    ],
    (text) => {
      const platform = unlessRefused(() => parsePlatform(text))
      if (!platform) return
      const written = formatPlatform(platform)
      assert.match(written, /^[\x21-\x7e]+$/)
      assert.equal(settled(written), written)
    },
  ),
  property(
    'a platform from a registry is printed in harmless letters, not many',
    [json(platformFields, platformWords), anyPlatform],
    (value, other) => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      const object = isObject ? (value as Record<string, unknown>) : { ...other }
      const platform = unlessRefused(() => decodePlatform(object, 'the entry'))
      for (const each of platform ? [platform, other, normalizePlatform(platform)] : [other]) {
        assert.match(formatPlatform(each), /^[\x21-\x7e]*$/)
      }
    },
  ),
  property(
    'what is chosen from an index is in it, and the best comes first however it is ordered',
    [fc.array(fc.option(anyPlatform, { nil: undefined }), { maxLength: 12 }), anyPlatform],
    (platforms, wanted) => {
      const descriptors = platforms.map((platform, i) => ({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: parseDigest(`sha256:${i.toString(16).padStart(64, '0')}`),
        size: i,
        ...(platform && { platform }),
      }))
      const found = unlessRefused(() => selectPlatform(descriptors, wanted))
      if (!found) return
      assert.ok(found.length > 0 && found.every((each) => descriptors.includes(each)))
      const again = selectPlatform(found, wanted)
      assert.deepEqual(again, found)
    },
  ),
  property(
    'a name of any length is answered at once',
    [repetitive([...referencePieces, ...platformWords, '(', ')', '+', '%'], 1_000_000)],
    (text) => {
      unlessRefused(() => parseReference(text))
      unlessRefused(() => parsePlatform(text))
      unlessRefused(() => parseDigest(text))
      assert.ok(unprintable)
    },
    { share: 0.5, examples: [[`${':'.repeat(100_000)}/`]] },
  ),
]
