import { DrayError } from '../errors.ts'
import { isLoopbackHost, sameOrigin } from '../http/origin.ts'
import { discardBody } from '../http/read-body.ts'
import type { HttpRequest, HttpResponse, Interceptor, Transport } from '../http/transport.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credential } from './credential.ts'
import { pullScope } from './scope.ts'
import { basicAuthorization, fetchToken, type Token } from './token.ts'
import type { TokenCache } from './token-cache.ts'

export interface AuthenticateOptions {
  /** The registry's name, for errors. */
  readonly registry: string
  readonly repository: string
  /** Where the registry is served: the only origin that ever gets to see its Authorization. */
  readonly origin: URL
  /** The user chose http for this registry. */
  readonly plainHttp?: boolean | undefined
  /** Asked when the registry wants to know who we are. */
  readonly findCredential: () => Promise<Credential | undefined>
  readonly tokens: TokenCache
  /** The clock that tokens expire by, in milliseconds; default: one that never jumps. */
  readonly now?: (() => number) | undefined
}

/**
 * Answers what a registry asks for in a 401, once per request, and sends the answer along from then on; a token that
 * has run out is renewed. When the host behind a redirect asks, it gets an anonymous token of its own at most. Rejects
 * with what {@link fetchToken} throws; a 401 that stays is the answer.
 */
export function authenticate(options: AuthenticateOptions): Interceptor {
  return (next) => {
    const dialogue = openDialogue(next, options)
    return async (request) => {
      if (!sameOrigin(request.url, options.origin)) return next(request)
      const sent = await dialogue.recall(request.signal)
      const response = await next(withProof(request, sent))
      if (!sameOrigin(response.url, options.origin)) return answerStranger(response, request, next)
      const proof = await dialogue.answer(response, sent, request.signal)
      if (!proof) return response
      discardBody(response.body)
      return next(withProof(request, proof))
    }
  }
}

/** An Authorization header, and the token in it, if there is one. */
interface Proof {
  readonly authorization: string
  readonly kept?: { readonly key: string; readonly token: Token }
}

function withProof(request: HttpRequest, proof: Proof | undefined): HttpRequest {
  if (!proof) return request
  return { ...request, headers: { ...request.headers, authorization: proof.authorization } }
}

/** What passes between us and a registry: it remembers the registry's last question. */
function openDialogue(next: Transport, options: AuthenticateOptions) {
  let question: Challenge | undefined
  return {
    /** What to send without being asked again. */
    async recall(signal: Signal): Promise<Proof | undefined> {
      return question && prove(question, options, next, signal)
    },
    /** What to send in answer to a response; undefined when there is nothing new to say. */
    async answer(
      response: HttpResponse,
      sent: Proof | undefined,
      signal: Signal,
    ): Promise<Proof | undefined> {
      if (isStale(response, sent)) options.tokens.drop(sent.kept.key, sent.kept.token)
      else if (response.status !== 401) return undefined
      question =
        preferred(challengesOf(response)) ?? question ?? (await pingForChallenge(next, options, signal))
      const proof = question && (await prove(question, options, next, signal))
      return proof?.authorization === sent?.authorization ? undefined : proof
    },
  }
}

type Signal = AbortSignal | undefined

/** public.ecr.aws says 400, without a challenge, to a token that has run out. */
function isStale(response: HttpResponse, sent: Proof | undefined): sent is Required<Proof> {
  return sent?.kept !== undefined && (response.status === 401 || response.status === 400)
}

function challengesOf(response: HttpResponse): readonly Challenge[] {
  return parseChallenges(response.headers['www-authenticate'])
}

/** Bearer before Basic, which some registries offer but only take for a login. */
function preferred(challenges: readonly Challenge[]): Challenge | undefined {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm)
  return bearer ?? challenges.find(({ scheme }) => scheme === 'basic')
}

/** Some registries tell how to log in at their root only. Their scope there is not that of the repository. */
async function pingForChallenge(
  next: Transport,
  { origin }: AuthenticateOptions,
  signal: Signal,
): Promise<Challenge | undefined> {
  const response = await next({ method: 'GET', url: new URL('/v2/', origin), purpose: 'ping', signal })
  discardBody(response.body)
  const challenge = sameOrigin(response.url, origin) ? preferred(challengesOf(response)) : undefined
  return challenge && { ...challenge, parameters: { ...challenge.parameters, scope: '' } }
}

async function prove(
  { scheme, parameters }: Challenge,
  options: AuthenticateOptions,
  next: Transport,
  signal: Signal,
): Promise<Proof | undefined> {
  checkSecrecy(options)
  const credential = await options.findCredential()
  if (credential?.kind === 'registry-token') return { authorization: `Bearer ${credential.token}` }
  if (scheme === 'basic') {
    return credential?.kind === 'basic' ? { authorization: basicAuthorization(credential) } : undefined
  }
  const { registry, repository, origin, tokens, now } = options
  const { realm = '', service } = parameters
  const scopes = scopesOf(parameters.scope) ?? [pullScope(repository)]
  const user = credential && [credential.kind, credential.kind === 'basic' && credential.username]
  const key = JSON.stringify([origin.origin, realm, service, scopes.toSorted(), user])
  const fetch = (flight: AbortSignal) =>
    fetchToken(next, { registry, origin, realm, service, scopes, credential, signal: flight, now })
  const token = await tokens.get(key, fetch, signal)
  return { authorization: `Bearer ${token.value}`, kept: { key, token } }
}

/** Endpoints are http only by the user's wish or on loopback; this is the last door before the secrets are out. */
function checkSecrecy({ origin, plainHttp, registry }: AuthenticateOptions): void {
  if (origin.protocol === 'https:' || plainHttp || isLoopbackHost(origin.hostname)) return
  throw new DrayError(
    'POLICY',
    `${registry} asks for a login over plain http, which anyone on the way can read`,
    {
      hint: 'use --plain-http if you trust the network',
    },
  )
}

function scopesOf(text = ''): readonly string[] | undefined {
  const scopes = text.split(' ').filter(Boolean)
  return scopes.length > 0 ? scopes : undefined
}

/** A host that the registry sent us to is no friend of ours: it learns nothing but what anyone may have. */
async function answerStranger(
  response: HttpResponse,
  request: HttpRequest,
  next: Transport,
): Promise<HttpResponse> {
  const challenge = response.status === 401 ? preferred(challengesOf(response)) : undefined
  if (challenge?.scheme !== 'bearer') return response
  const { url } = response
  const { realm = '', service, scope } = challenge.parameters
  discardBody(response.body)
  const { value } = await fetchToken(next, {
    registry: url.host,
    origin: url,
    realm,
    service,
    scopes: scopesOf(scope) ?? [],
    signal: request.signal,
  })
  return next(withProof({ ...request, url }, { authorization: `Bearer ${value}` }))
}
