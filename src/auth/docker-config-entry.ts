import { DrayError } from '../errors.ts'
import type { Credential } from './credential.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The credential in an entry of `auths`; `where` names the entry in errors. The order is docker's: a ready token, then a
 * refresh token, then a password. An empty entry holds nothing. Throws FILE for what makes no sense.
 */
export function decodeEntry(entry: unknown, where: string): Credential | undefined {
  if (!isObject(entry)) throw badEntry(where, 'it is not a JSON object')
  const textAt = (key: string) => {
    const value = entry[key] ?? ''
    if (typeof value === 'string') return value
    throw badEntry(where, `"${key}" is not a string`)
  }
  const registryToken = textAt('registrytoken')
  if (registryToken) return { kind: 'registry-token', token: registryToken }
  const identityToken = textAt('identitytoken')
  if (identityToken) return { kind: 'identity-token', token: identityToken }
  const auth = textAt('auth')
  if (auth) return decodeAuth(auth, where)
  const username = textAt('username')
  return username ? { kind: 'basic', username, password: textAt('password') } : undefined
}

function decodeAuth(auth: string, where: string): Credential {
  // A line end from the command that made it does no harm in docker either.
  if (!/^[\w+/-]+={0,2}$/.test(auth.replace(/[\r\n]/g, ''))) throw badEntry(where, '"auth" is not base64')
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) throw badEntry(where, '"auth" does not hold a user name, a colon and a password')
  return {
    kind: 'basic',
    username: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/^\0+|\0+$/g, ''),
  }
}

function badEntry(where: string, problem: string): DrayError {
  return new DrayError('FILE', `the credentials for ${where} make no sense: ${problem}`, {
    hint: `repair the entry ${where}: a new login writes it anew`,
  })
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
