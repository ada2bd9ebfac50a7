import { DrayError, quote } from '../errors.ts'
import { digestProblem } from './digest.ts'
import { isAddress, longestPath, matchReference, normalizeReference } from './reference-grammar.ts'

interface Explanation {
  readonly problem: string
  readonly hint?: string
}

const example = 'an image name looks like nginx, nginx:1.27 or ghcr.io/org/app:1.2'

/**
 * The USAGE error for a text that is no image name: what is wrong with it and what to type instead.
 * Whatever may be a password is not repeated.
 */
export function referenceError(text: string): DrayError {
  const { problem, hint = example } = explain(text)
  return new DrayError('USAGE', `${quote(withoutSecret(text))} is no image name: ${problem}`, { hint })
}

function explain(text: string): Explanation {
  return (
    emptyName(text) ??
    scheme(text) ??
    credentials(text) ??
    badDigest(text) ??
    badCharacter(text) ??
    imageId(text) ??
    onlyRegistry(text) ??
    bareIPv6(text) ??
    upperCase(text) ??
    badTag(text) ??
    tooLong(text) ??
    badAddress(text) ?? { problem: 'it does not have the form [registry[:port]/]path[:tag][@digest]' }
  )
}

function emptyName(text: string): Explanation | undefined {
  return text.trim() === '' ? { problem: 'it is empty' } : undefined
}

function scheme(text: string): Explanation | undefined {
  const found = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0]
  if (found === undefined) return undefined
  const rest = afterSecret(text.slice(found.length))
  // The host of a URL that has no path would pass for an image on Docker Hub.
  const isOnlyHost = /^http/i.test(found) && !rest.includes('/')
  return { problem: `it must not begin with ${found}`, ...(isOnlyHost ? {} : suggest(rest)) }
}

function credentials(text: string): Explanation | undefined {
  const rest = afterSecret(text)
  // Without a slash it is a digest gone wrong rather than a registry.
  if (rest === text || !rest.includes('/')) return undefined
  return {
    problem: 'user name and password do not belong in it',
    ...suggest(rest, ' and add -u USER --password-stdin'),
  }
}

function badDigest(text: string): Explanation | undefined {
  const at = text.lastIndexOf('@')
  const problem = at === -1 ? undefined : digestProblem(text.slice(at + 1))
  return problem ? { problem: `after @ comes a digest, and ${problem}`, hint: digestExample } : undefined
}

const digestExample = 'a digest is sha256: and 64 hex digits, as in nginx@sha256:0123…'

/** Once this has passed, the text can stand in a hint as it is. */
function badCharacter(text: string): Explanation | undefined {
  const character = /[^A-Za-z0-9._\-/:@[\]]/u.exec(text)?.[0]
  return character === undefined ? undefined : { problem: `${quote(character)} is not allowed in it` }
}

function imageId(text: string): Explanation | undefined {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined
  return { problem: 'it is the hex part of a digest', hint: `type NAME@sha256:${text}` }
}

function onlyRegistry(text: string): Explanation | undefined {
  const registry = /^([^/]+)\/$|^(\[[^/]*\](?::[0-9]+)?)$/.exec(text)
  if (!registry) return undefined
  return { problem: 'only a registry is named', hint: `type ${registry[1] ?? registry[2]}/IMAGE` }
}

function bareIPv6(text: string): Explanation | undefined {
  if (!/^[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*\//i.test(text)) return undefined
  return {
    problem: 'an IPv6 address needs brackets',
    hint: 'type [ADDRESS]:PORT/IMAGE, as in [::1]:5000/app',
  }
}

function upperCase(text: string): Explanation | undefined {
  const [name, version] = splitVersion(text)
  const lower = `${name.toLowerCase()}${version}`
  return isName(lower) ? { problem: 'a repository is written in lower case', ...suggest(lower) } : undefined
}

function badTag(text: string): Explanation | undefined {
  if (!isName(splitVersion(text)[0])) return undefined
  return {
    problem: 'the tag is not valid',
    hint: 'a tag has 1 to 128 letters, digits, ".", "_" and "-" and does not begin with "." or "-"',
  }
}

function tooLong(text: string): Explanation | undefined {
  const [name] = splitVersion(normalizeReference(text))
  if (name.length - name.indexOf('/') - 1 <= longestPath) return undefined
  return { problem: `a repository has at most ${longestPath} characters` }
}

function badAddress(text: string): Explanation | undefined {
  const domain = matchReference(normalizeReference(text))?.domain
  if (domain === undefined || isAddress(domain)) return undefined
  return {
    problem: `no registry can have the address ${domain}`,
    hint: 'a port is at most 65535; what ends in a number is an IPv4 address, what has brackets an IPv6 address',
  }
}

/** Before and from the colon or `@` that ends the name. */
function splitVersion(text: string): [string, string] {
  const last = text.lastIndexOf('/') + 1
  const length = text.slice(last).search(/[:@]|$/)
  return [text.slice(0, last + length), text.slice(last + length)]
}

function suggest(text: string, addition = ''): Pick<Explanation, 'hint'> {
  return isName(text) ? { hint: `type ${text}${addition}` } : {}
}

function isName(text: string): boolean {
  const domain = matchReference(normalizeReference(text))?.domain
  return domain !== undefined && isAddress(domain)
}

export function withoutSecret(text: string): string {
  const rest = afterSecret(text)
  return rest === text ? text : `…@${rest}`
}

/** What follows the last `@` that does not begin a digest: what comes before it may hold a password. */
function afterSecret(text: string): string {
  const name = text.replace(/@sha[0-9]+:[0-9a-f]*$/i, '')
  return text.slice(name.lastIndexOf('@') + 1)
}
