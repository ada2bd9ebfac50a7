import { type Challenge, parseChallenges } from '../auth/challenge.ts'
import { checkRealm } from '../auth/realm.ts'
import { DrayError } from '../errors.ts'
import { redactUrl } from '../http/redact.ts'
import { type HttpResponse, headerOf } from '../http/transport.ts'
import { quoteWords, wordsOf } from '../registry/answer.ts'
import { registryBeside } from '../registry/not-found.ts'
import { checkConnection } from './check-connection.ts'
import { linesOf, type Outcome, type Say } from './finding.ts'
import type { Visit } from './visit.ts'

/** Asks for the root of the API: is a registry there at all, and what does it want to know? */
export async function checkApi(visit: Visit): Promise<readonly Challenge[]> {
  return visit.run('api', async () => {
    const response = await visit.access.ping(visit.signal)
    return { ...(await judge(response, visit)), value: parseChallenges(response.headers['www-authenticate']) }
  })
}

/** A page is no registry's answer. Anything else may be: some serve images, and nothing at their root. */
async function judge(
  response: HttpResponse,
  { endpoint }: Visit,
): Promise<Pick<Outcome<unknown>, 'status' | 'summary'>> {
  const { status, url } = response
  const words = await wordsOf(response)
  const version = headerOf(response, 'docker-distribution-api-version')
  const said = `${url.host} answered ${status}${quoteWords(words)} when asked for ${url.pathname}`
  if (words.isWebPage && version === undefined) throw notARegistry(said, endpoint.registry)
  const isUsual = status === 200 || status === 401
  const signed = version === undefined ? '' : `, ${version}`
  return isUsual
    ? { summary: `${url.pathname} answered ${status}${signed}` }
    : { status: 'warning', summary: `${said}, which is not what registries do` }
}

function notARegistry(said: string, registry: string): DrayError {
  return new DrayError('NETWORK', `this is not a registry: ${said}`, {
    hint:
      registryBeside(registry) ??
      'check the host and port in the name; or does this network want you to log in with a browser first?',
  })
}

/** What the registry asks for before it gives anything away, and whether whoever gives tokens can be reached. */
export async function checkChallenge(challenges: readonly Challenge[], visit: Visit): Promise<void> {
  await visit.run('challenge', async (say) => ({
    ...(await describe(challenges, visit, say)),
    value: undefined,
  }))
}

async function describe(
  challenges: readonly Challenge[],
  visit: Visit,
  say: Say,
): Promise<Pick<Outcome<unknown>, 'status' | 'summary'>> {
  const schemes = challenges.map(({ scheme }) => scheme)
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm)
  if (bearer) return { summary: await describeBearer(bearer, visit, say) }
  if (schemes.includes('basic')) return { summary: 'Basic: it wants a user name and a password' }
  if (challenges.length === 0) return { summary: 'none so far' }
  return { status: 'warning', summary: `it offers ${schemes.join(', ')}, of which dray knows none` }
}

async function describeBearer({ parameters }: Challenge, visit: Visit, say: Say): Promise<string> {
  const { realm = '', service } = parameters
  const url = checkRealm(realm, visit.root, visit.endpoint.registry)
  if (url.host !== visit.root.host) {
    await checkConnection({ url, purpose: 'token' }, visit.wires, linesOf(say, url.host))
  }
  return `Bearer: tokens come from ${redactUrl(url)}${service ? `, for ${service}` : ''}`
}
