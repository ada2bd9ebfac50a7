import { parseChallenges, wantsPassword } from '../auth/challenge.ts'
import { loginHint, loginName } from '../auth/token-refusal.ts'
import { DrayError } from '../errors.ts'
import { sanitize } from '../http/sanitize.ts'
import { type Answer, hostOf, isRegistrysOwn, quoteWords } from './answer.ts'

/**
 * The error for a refusal. Registries answer for a missing repository as they do for a private one, so that nobody
 * learns which it is.
 */
export function refused(answer: Answer): DrayError {
  const { reason, hint } = reasons.find(({ holds }) => holds(answer)) ?? elsewise
  const message = `${hostOf(answer)} refused ${answer.inquiry.what}: ${reason(answer)}${quoteWords(answer.words)}`
  return new DrayError('UNAUTHORIZED', message, { hint: hint(answer) })
}

interface Reason {
  readonly holds: (answer: Answer) => boolean
  readonly reason: (answer: Answer) => string
  readonly hint: (answer: Answer) => string
}

/** The first that holds is told. */
const reasons: readonly Reason[] = [
  {
    holds: ({ words }) => words.codes.includes('PROJECTPOLICYVIOLATION'),
    reason: () => 'a rule of its own forbids it',
    hint: () => 'ask those who run it: it may hold back images with known holes, or without a signature',
  },
  {
    holds: (answer) => !isRegistrysOwn(answer),
    reason: ({ inquiry }) => `it does not take the link that ${inquiry.registry} gave`,
    hint: () =>
      'such a link is good for minutes and often for one address: check the clock, and what a proxy changes',
  },
  {
    holds: ({ words, inquiry }) => inquiry.login !== undefined && /\bexpired\b/i.test(words.text),
    reason: () => 'the login has expired',
    hint: ({ inquiry }) =>
      `get a new password and log in again (dray login ${inquiry.registry}): those of cloud registries are good for hours`,
  },
  {
    holds: (answer) => strangeSchemes(answer).length > 0,
    reason: (answer) => `it wants a login by ${strangeSchemes(answer).join(', ')}, which dray does not know`,
    hint: () => 'a company gateway may stand before the registry: ask for a way around it',
  },
  {
    holds: isPasswordRefused,
    reason: ({ inquiry: { login } }) => `it does not take ${loginName(login)}`,
    hint: ({ words, inquiry: { login, registry } }) => loginHint(login, words, registry),
  },
  {
    holds: ({ words }) => words.isWebPage,
    reason: ({ response }) => `it answered ${response.status}`,
    hint: () => 'a web page came back: a firewall there or on the way may have answered in its place',
  },
  {
    holds: ({ inquiry }) => inquiry.login !== undefined,
    reason: () => 'not found, or no access',
    hint: () => 'check the name, and what this account may read',
  },
]

const elsewise: Reason = {
  holds: () => true,
  reason: () => 'not found, or it needs a login',
  hint: ({ inquiry: { registry, what } }) => {
    const spelling = isOfficial(registry, what) ? officialHint : 'check the name'
    return `${spelling}; if it is private, log in: dray login ${registry}`
  },
}

const officialHint =
  'check the name, which begins with its owner (OWNER/IMAGE) unless the image is an official one'

/** A bare `app` is the official image of that name, which is not what people mean who have built their own. */
function isOfficial(registry: string, what: string): boolean {
  return registry === 'docker.io' && what.startsWith('library/')
}

/** Whoever still wants a password has not believed the one that was sent. */
function isPasswordRefused({ response, inquiry }: Answer): boolean {
  const wants = wantsPassword(parseChallenges(response.headers['www-authenticate']))
  return response.status === 401 && inquiry.login?.kind === 'basic' && wants
}

/** What is offered when it is nothing that a registry offers. */
function strangeSchemes({ response }: Answer): readonly string[] {
  const schemes = parseChallenges(response.headers['www-authenticate']).map(({ scheme }) => scheme)
  if (schemes.includes('bearer') || schemes.includes('basic')) return []
  return [...new Set(schemes)].map((scheme) => sanitize(scheme, 20))
}
