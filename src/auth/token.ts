import { toNetworkError } from '../http/network-error.ts'
import { discardBody, readBody } from '../http/read-body.ts'
import { serverWords } from '../http/server-words.ts'
import { type HttpRequest, type HttpResponse, headerOf, type Transport } from '../http/transport.ts'
import type { Credential } from './credential.ts'
import { checkRealm } from './realm.ts'
import { noToken, tokenRefusal } from './token-refusal.ts'

/** What a registry takes instead of a password, for a while. */
export interface Token {
  readonly value: string
  /** In milliseconds, of the clock that the request named. */
  readonly expiresAt: number
}

export interface TokenRequest {
  /** The registry's name, for errors. */
  readonly registry: string
  /** Who sent the challenge. */
  readonly origin: URL
  readonly realm: string
  readonly service?: string | undefined
  readonly scopes: readonly string[]
  /** Absent for an anonymous token, which public images need as well. */
  readonly credential?: Exclude<Credential, { kind: 'registry-token' }> | undefined
  /** What to repair so that there is a credential, for the hint of an error. */
  readonly loginProblem?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** In milliseconds; default: a clock that never jumps. */
  readonly now?: (() => number) | undefined
}

/**
 * Gets a token at the realm of a Bearer challenge (distribution's docs/spec/auth/token and oauth): GET, with Basic for
 * a user name and password; POST for an identity token. Throws UNAUTHORIZED when the realm refuses, POLICY for a realm
 * that is not safe to ask, RATE_LIMITED, NETWORK.
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const realm = checkRealm(request.realm, request.origin, request.registry)
  const answer = await askForToken(transport, realm, request)
  // Cut off on the way, and passed on as a whole one: that may have been a bad moment of a proxy.
  const { words, token } = answer.isCut ? await askForToken(transport, realm, request) : answer
  if (!token) throw noToken(words, realm, request)
  return token
}

/** In bytes; what is longer is cut, and then no JSON any more. */
export const tokenLimit = 1024 * 1024

async function askForToken(transport: Transport, realm: URL, request: TokenRequest) {
  const response = await ask(transport, realm, request)
  const { bytes } = await readBody(response.body, tokenLimit).catch((error: unknown) => {
    throw toNetworkError(error, { url: response.url, via: response.via, purpose: 'token' })
  })
  const words = serverWords(bytes, headerOf(response, 'content-type'), response.secrets)
  if (response.status !== 200) throw tokenRefusal(response, words, realm, request)
  const json = parseAnswer(bytes)
  const token = decodeToken(json, request.now ?? monotonicNow)
  return { words, token, isCut: json === undefined && !words.isWebPage }
}

const monotonicNow = () => performance.now()

async function ask(transport: Transport, realm: URL, request: TokenRequest): Promise<HttpResponse> {
  const { credential } = request
  if (credential?.kind !== 'identity-token') return transport(getRequest(realm, request, credential))
  const response = await transport(postRequest(realm, request, credential.token))
  if (response.status !== 404 && response.status !== 405) return response
  // The spec has clients fall back to GET here; `<token>` is what credential helpers write for the missing user name.
  discardBody(response.body)
  return transport(getRequest(realm, request, { username: '<token>', password: credential.token }))
}

type Login = { readonly username: string; readonly password: string }

function getRequest(
  realm: URL,
  { service, scopes, signal }: TokenRequest,
  login: Login | undefined,
): HttpRequest {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.append('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (login) url.searchParams.append('account', login.username)
  return {
    method: 'GET',
    url,
    headers: { accept: 'application/json', ...(login && { authorization: basicAuthorization(login) }) },
    purpose: 'token',
    signal,
  }
}

/** The Authorization header of RFC 7617. */
export function basicAuthorization({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function postRequest(
  realm: URL,
  { service, scopes, signal }: TokenRequest,
  identityToken: string,
): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'dray',
    refresh_token: identityToken,
  })
  if (service !== undefined) form.append('service', service)
  if (scopes.length > 0) form.append('scope', scopes.join(' '))
  return {
    method: 'POST',
    url: realm,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    purpose: 'token',
    signal,
  }
}

/** What the spec gives a token whose answer does not say. */
const defaultLifetime = 60

type TokenAnswer = { token?: unknown; access_token?: unknown; expires_in?: unknown } | null

/** Undefined when it is no JSON. */
function parseAnswer(bytes: Uint8Array): TokenAnswer | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

/** Undefined when there is no token in it that could stand in a header. */
function decodeToken(answer: TokenAnswer | undefined, now: () => number): Token | undefined {
  const value = [answer?.token, answer?.access_token].find(
    (token) => typeof token === 'string' && token !== '',
  )
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined
  const stated = answer?.expires_in
  const seconds = typeof stated === 'number' || typeof stated === 'string' ? Number(stated) : 0
  const lifetime = seconds > 0 ? seconds : defaultLifetime
  return { value, expiresAt: now() + lifetime * 1000 }
}
