import { DrayError, isDrayError } from '../errors.ts'
import { isLoopbackHost, sameOrigin } from '../http/origin.ts'
import { discardBody } from '../http/read-body.ts'
import type { HttpRequest, HttpResponse, Interceptor, Transport } from '../http/transport.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { type Proof, type ProofOptions, prove } from './proof.ts'
import { scopesOf } from './scope.ts'
import { fetchToken } from './token.ts'

export type AuthenticateOptions = ProofOptions

/**
 * Answers what a registry asks for in a 401, once per request, and sends the answer along from then on; a token that
 * has run out is renewed. When the host behind a redirect asks, it gets an anonymous token of its own at most. Rejects
 * with what {@link prove} throws, and with POLICY where secrets would be readable; a 401 that stays is the answer.
 */
export function authenticate(options: AuthenticateOptions): Interceptor {
  return (next) => {
    const dialogue = openDialogue(next, options)
    return async (request) => {
      if (!sameOrigin(request.url, options.root)) return next(request)
      const sent = await dialogue.recall(request.signal)
      const response = await next(withProof(request, sent))
      if (!sameOrigin(response.url, options.root)) return answerStranger(response, request, next)
      const proof = await dialogue.answer(response, sent, request.signal)
      if (!proof) return response
      discardBody(response.body)
      return next(withProof(request, proof))
    }
  }
}

function withProof(request: HttpRequest, proof: Proof | undefined): HttpRequest {
  if (!proof) return request
  return { ...request, headers: { ...request.headers, authorization: proof.authorization } }
}

type Signal = AbortSignal | undefined

/** What passes between us and a registry: it remembers the last question that we could answer. */
function openDialogue(next: Transport, options: AuthenticateOptions) {
  let question: Challenge | undefined
  const ping = (signal: Signal) => pingForChallenge(next, options, signal)
  const answerTo = async (challenge: Challenge, signal: Signal) => {
    const proof = await prove(challenge, options, next, signal)
    question = challenge
    return proof
  }
  return {
    /** What to send without being asked again. */
    async recall(signal: Signal): Promise<Proof | undefined> {
      return question && answerTo(question, signal)
    },
    /** What to send in answer to a response; undefined when there is nothing new to say. */
    async answer(
      response: HttpResponse,
      sent: Proof | undefined,
      signal: Signal,
    ): Promise<Proof | undefined> {
      if (isStale(response, sent)) options.tokens.drop(sent.kept.key, sent.kept.token)
      else if (response.status !== 401) return undefined
      const asked = preferred(challengesOf(response)) ?? question ?? (await ping(signal))
      if (!asked) return undefined
      checkSecrecy(options)
      const earlier = question
      const proof = await answerTo(asked, signal).catch((error) =>
        answerFirst(alternatives(asked, earlier, error, ping, signal), answerTo, error, signal),
      )
      return proof?.authorization === sent?.authorization ? undefined : proof
    },
  }
}

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

/** Endpoints are http only by the user's wish or on loopback; this is the last door before the secrets are out. */
function checkSecrecy({ root, inTheOpen, registry }: AuthenticateOptions): void {
  if (root.protocol === 'https:' || inTheOpen || isLoopbackHost(root.hostname)) return
  const message = `${registry} asks for a login over plain http, which anyone on the way can read`
  throw new DrayError('POLICY', message, { hint: 'use --plain-http if you trust the network' })
}

/** Some registries tell how to log in at their root only. Their scope there is not that of the repository. */
async function pingForChallenge(
  next: Transport,
  { root }: AuthenticateOptions,
  signal: Signal,
): Promise<Challenge | undefined> {
  const response = await next({ method: 'GET', url: root, purpose: 'ping', signal })
  discardBody(response.body)
  const challenge = sameOrigin(response.url, root) ? preferred(challengesOf(response)) : undefined
  return challenge && { ...challenge, parameters: { ...challenge.parameters, scope: '' } }
}

/**
 * What else may be answered when a realm is of no use. nvcr.io names another realm once a token has run out, and the
 * first one still works; proxies in the manner of cloudflare-docker-proxy name their own realm at the root only.
 */
async function* alternatives(
  asked: Challenge,
  earlier: Challenge | undefined,
  error: unknown,
  ping: (signal: Signal) => Promise<Challenge | undefined>,
  signal: Signal,
): AsyncGenerator<Challenge> {
  const { realm, scope = '' } = asked.parameters
  if (!isUseless(error) && !isDrayError(error, 'UNAUTHORIZED')) return
  if (earlier && earlier.parameters.realm !== realm) yield earlier
  if (!isUseless(error)) return
  const atRoot = await ping(signal)
  if (atRoot && atRoot.parameters.realm !== realm) {
    yield { ...atRoot, parameters: { ...atRoot.parameters, scope } }
  }
}

/** The realm cannot be reached, does not work, or must not be asked; its refusal would be an answer. */
function isUseless(error: unknown): boolean {
  return (['NETWORK', 'TLS', 'POLICY'] as const).some((code) => isDrayError(error, code))
}

/** When none of them helps, the first trouble is the one to tell, unless there was an answer at last. */
async function answerFirst(
  challenges: AsyncIterable<Challenge>,
  answerTo: (challenge: Challenge, signal: Signal) => Promise<Proof | undefined>,
  trouble: unknown,
  signal: Signal,
): Promise<Proof | undefined> {
  try {
    for await (const challenge of challenges) {
      const proof = await answerTo(challenge, signal).catch((error) => {
        if (!isUseless(error)) throw error
      })
      if (proof) return proof
    }
  } catch (error) {
    if (signal?.aborted || isDrayError(error, 'UNAUTHORIZED')) throw error
  }
  throw trouble
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
