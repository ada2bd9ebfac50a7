import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isDrayError } from '../../../src/errors.ts'
import { digestProblem } from '../../../src/oci/digest.ts'
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from '../../../src/oci/reference.ts'
import { matchReference, type ReferenceParts } from '../../../src/oci/reference-grammar.ts'

interface Vector {
  readonly fn: 'Parse' | 'ParseNormalizedNamed' | 'ParseDockerRef' | 'ParseAnyReference'
  readonly input: string
  readonly error?: 'format' | 'name-uppercase' | 'name-too-long' | 'digest-length'
  readonly domain: string
  readonly path: string
  readonly tag: string | null
  readonly digest: string | null
  readonly name: string
  readonly canonical: string
  readonly familiar: string
  readonly digest_only?: true
}

const fixture = new URL('../../fixtures/reference-vectors.json', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(readFileSync(fixture, 'utf8')).vectors
/** Docker reads this name, and then finds that there is no such port. */
const addressless = 'host:99999999/x'
const good = vectors.filter(({ error, input }) => error === undefined && input !== addressless)
const bad = vectors.filter(({ error }) => error !== undefined)
const rows = (list: readonly Vector[], fn: Vector['fn']) => list.filter((vector) => vector.fn === fn)

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe("docker's own examples", () => {
  test('are all here', () => {
    expect(vectors).toHaveLength(111)
  })

  test.each(rows(good, 'Parse'))('the grammar takes $input apart', ({ input, domain, path, tag, digest }) => {
    expect(matchReference(input)).toEqual(present({ domain: domain || null, path, tag, digest }))
  })

  test.each(rows(bad, 'Parse'))('the grammar refuses $input ($error)', ({ input }) => {
    expect(matchReference(input)).toBeUndefined()
  })

  test.each(rows(good, 'ParseNormalizedNamed'))('$input means $canonical', (vector) => {
    const { domain: registry, path: repository, tag, digest } = vector
    const reference = parseReference(vector.input)
    expect(withoutDefaultTag(reference, vector)).toEqual(present({ registry, repository, tag, digest }))
    expect(formatReference(withoutDefaultTag(reference, vector))).toBe(vector.canonical)
    expect(familiarReference(withoutDefaultTag(reference, vector))).toBe(vector.familiar)
  })

  test.each(rows(bad, 'ParseNormalizedNamed'))('$input is refused ($error)', ({ input, error }) => {
    const reason = { 'name-uppercase': 'lower case', 'digest-length': 'needs 64 hex digits, not 65' }[
      String(error)
    ]
    expect(() => parseReference(input)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => parseReference(input)).toThrow(reason ?? 'is no image name')
  })

  test.each(rows(good, 'ParseDockerRef'))(
    'containerd reads $input as $canonical',
    ({ input, canonical, familiar }) => {
      const { tag, ...rest } = parseReference(input)
      const reference = { ...rest, ...(tag !== undefined && !rest.digest && { tag }) }
      expect(formatReference(reference)).toBe(canonical)
      expect(familiarReference(reference)).toBe(familiar)
    },
  )

  test.each(rows(good, 'ParseAnyReference'))('docker inspect reads $input as a name or digest', (vector) => {
    if (vector.digest_only) {
      expect(digestProblem(vector.input)).toBe(undefined)
      expect(vector.input).toBe(vector.digest)
    } else {
      const reference = withoutDefaultTag(parseReference(vector.input), vector)
      expect(formatReference(reference)).toBe(vector.canonical)
    }
  })
})

/** The vectors are of functions that leave the default tag to their callers. */
function withoutDefaultTag({ tag, ...rest }: Reference, vector: Vector): Reference {
  if (vector.tag === null) expect(tag).toBe(vector.digest === null ? 'latest' : undefined)
  return { ...rest, ...(vector.tag !== null && tag !== undefined && { tag }) }
}

function present(object: Readonly<Record<string, string | null>>): Partial<ReferenceParts> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}

describe('a reference', () => {
  test('keeps both tag and digest when both are named', () => {
    const reference = parseReference(`nginx:1@${digest}`)
    expect(reference).toEqual({ registry: 'docker.io', repository: 'library/nginx', tag: '1', digest })
    expect(formatReference(reference)).toBe(`docker.io/library/nginx:1@${digest}`)
    expect(familiarReference(reference)).toBe(`nginx:1@${digest}`)
  })

  test('takes a sha512 digest', () => {
    const sha512 = `sha512:${'f'.repeat(128)}`
    expect(parseReference(`nginx@${sha512}`)).toEqual({
      registry: 'docker.io',
      repository: 'library/nginx',
      digest: sha512,
    })
  })

  test.each([
    ['nginx', 'nginx'],
    ['docker.io/library/nginx:1', 'nginx'],
    ['library/foo/bar', 'library/foo/bar'],
    ['org/app', 'org/app'],
    ['ghcr.io/org/app:1', 'ghcr.io/org/app'],
    ['registry-1.docker.io/library/nginx', 'registry-1.docker.io/library/nginx'],
  ])('%s is shown as %s', (text, name) => {
    expect(familiarName(parseReference(text))).toBe(name)
  })

  test('may have a path of 255 bytes, the registry not counted', () => {
    const path = `a/${'b'.repeat(253)}`
    expect(parseReference(`registry.example.com:5000/${path}`).repository).toBe(path)
    expect(() => parseReference(`registry.example.com:5000/${path}b`)).toThrow('at most 255 characters')
    expect(() => parseReference('c'.repeat(248))).toThrow('at most 255 characters')
  })

  test('may have a tag of 128 characters', () => {
    const tag = 'T'.repeat(128)
    expect(parseReference(`nginx:${tag}`).tag).toBe(tag)
    expect(() => parseReference(`nginx:${tag}T`)).toThrow('the tag is not valid')
  })

  test.each(good.filter(({ fn }) => fn === 'ParseNormalizedNamed'))(
    '$input survives being printed',
    ({ input }) => {
      const reference = parseReference(input)
      expect(parseReference(formatReference(reference))).toEqual(reference)
      expect(parseReference(familiarReference(reference))).toEqual(reference)
    },
  )
})

describe('a text that is no image name', () => {
  const id = '0123456789abcdef'.repeat(4)

  test.each([
    ['', 'it is empty', 'nginx:1.27'],
    ['  ', 'it is empty', 'nginx:1.27'],
    ['https://ghcr.io/org/app:1', 'must not begin with https://', 'type ghcr.io/org/app:1'],
    ['docker://nginx', 'must not begin with docker://', 'type nginx'],
    ['HTTP://localhost:5000/app', 'must not begin with HTTP://', 'type localhost:5000/app'],
    ['https://ghcr.io/org/app?tab=tags', 'must not begin with https://', 'looks like nginx'],
    ['https://ghcr.io', 'must not begin with https://', 'looks like nginx'],
    ['user:pw@host/img', 'user name and password do not belong in it', 'type host/img and add -u'],
    ['user@host:5000/img:1', 'user name and password do not belong in it', 'type host:5000/img:1 and add -u'],
    [`user:pw@host/img@${digest}`, 'user name and password', `type host/img@${digest} and add -u`],
    ['https://user:pw@host/img', 'must not begin with https://', 'type host/img'],
    ['Nginx', 'lower case', 'type nginx'],
    ['ghcr.io/Org/App:V1', 'lower case', 'type ghcr.io/org/app:V1'],
    [`Nginx@${digest}`, 'lower case', `type nginx@${digest}`],
    ['[::1]:5000', 'only a registry is named', 'type [::1]:5000/IMAGE'],
    ['[::1]', 'only a registry is named', 'type [::1]/IMAGE'],
    ['ghcr.io/', 'only a registry is named', 'type ghcr.io/IMAGE'],
    ['::1/app', 'an IPv6 address needs brackets', '[::1]:5000/app'],
    ['fc00::1:5000/debian', 'an IPv6 address needs brackets', '[::1]:5000/app'],
    ['[fe80::1%eth0]:5000/app', '"%" is not allowed', 'looks like nginx'],
    ['nginx latest', '" " is not allowed', 'looks like nginx'],
    ['reg/%2e%2e/x', '"%" is not allowed', 'looks like nginx'],
    ['nginx?x', '"?" is not allowed', 'looks like nginx'],
    ['nginx#x', '"#" is not allowed', 'looks like nginx'],
    ['nginx\r\nHost: evil', '"\\r" is not allowed', 'looks like nginx'],
    ['ngіnx', '"і" is not allowed', 'looks like nginx'],
    ['nginx\x1b[2J', '"\\u001b" is not allowed', 'looks like nginx'],
    ['nginx:', 'the tag is not valid', '1 to 128 letters'],
    ['nginx:-x', 'the tag is not valid', '1 to 128 letters'],
    [`nginx:..@${digest}`, 'the tag is not valid', '1 to 128 letters'],
    ['nginx@sha256:123', 'sha256 needs 64 hex digits, not 3', '64 hex digits'],
    ['nginx@latest', 'after @ comes a digest', '64 hex digits'],
    [`nginx@sha384:${'0'.repeat(96)}`, 'sha384 is not supported', '64 hex digits'],
    [`nginx@${digest.toUpperCase()}`, 'lower-case hex digits', '64 hex digits'],
    [id, 'the hex part of a digest', `type NAME@sha256:${id}`],
    ['reg/../x', '[registry[:port]/]path[:tag][@digest]', 'looks like nginx'],
    ['foo_bar.com/app', '[registry[:port]/]path[:tag][@digest]', 'looks like nginx'],
    [addressless, 'no registry can have the address host:99999999', 'a port is at most 65535'],
    ['[:]/app', 'no registry can have the address [:]', 'brackets'],
    ['1.2.3.999/app', 'no registry can have the address 1.2.3.999', 'an IPv4 address'],
    ['localhost:http/app', '[registry[:port]/]path[:tag][@digest]', 'looks like nginx'],
  ])('%j: says what is wrong and what to type instead', (text, problem, hint) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining(problem),
        hint: expect.stringContaining(hint),
      }),
    )
  })

  test.each([
    'user:PASSWORD@host/img',
    'user:PASSWORD@host:5000/Img:1',
    'user:PASSWORD@host',
    'user:PASSWORD@host:5000',
    'user:PASSWORD@@host/img',
    'user:PASS@PASSWORD@host/img',
    'user:PASS/PASSWORD@host/img',
    'user:PASSWORD@host/i mg',
    'user:PASSWORD\x1b@host/img',
    'user:PASSWORD@sha256:xyz',
    `user:PASSWORD@host/img@${digest}`,
    'https://user:PASSWORD@host/img',
    'docker://user:PASSWORD@host/Img?',
    'https://user:PASS#PASSWORD@host',
  ])('%j: its password is not repeated', (text) => {
    const { message, hint } = failure(() => parseReference(text))
    expect(`${message} ${hint}`).not.toContain('PASS')
  })

  test('is refused and nothing else happens, whatever it is made of', () => {
    const pieces = [
      'a',
      'B',
      '0',
      '.',
      '-',
      '_',
      '/',
      ':',
      '@',
      '[',
      ']',
      '://',
      'sha256',
      id,
      '\n',
      ' ',
      'é',
      '\u{1f433}',
    ]
    for (const text of randomTexts(pieces, 5_000)) {
      try {
        const reference = parseReference(text)
        expect(parseReference(formatReference(reference))).toEqual(reference)
      } catch (error) {
        if (!isDrayError(error, 'USAGE')) throw error
      }
    }
  })

  test('is refused quickly, however long', () => {
    for (const text of [
      'a-'.repeat(50_000),
      `${'a'.repeat(100_000)}/!`,
      `[${':'.repeat(100_000)}`,
      '/'.repeat(100_000),
      `${':'.repeat(100_000)}/`,
    ]) {
      expect(() => parseReference(text)).toThrow('is no image name')
    }
  })
})

function failure(action: () => unknown): Error & { hint?: string | undefined } {
  try {
    action()
  } catch (error) {
    if (isDrayError(error)) return error
  }
  throw new Error('nothing was thrown')
}

/** The same texts in every run. */
function* randomTexts(pieces: readonly string[], count: number): Generator<string> {
  let seed = 1
  const below = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * limit)
  }
  for (let i = 0; i < count; i++) {
    yield Array.from({ length: 1 + below(9) }, () => pieces[below(pieces.length)]).join('')
  }
}
