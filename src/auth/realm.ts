import { DrayError } from '../errors.ts'
import { neighbourhoodOf } from '../http/neighbourhood.ts'
import { redactUrl } from '../http/redact.ts'

/**
 * The URL of a token server that a challenge from `origin` names, if it is safe to ask. Throws POLICY for one without
 * TLS where the registry has it, and for an address inside a network that the registry itself is not in: a registry
 * could make us knock on doors that only we can reach.
 */
export function checkRealm(realm: string, origin: URL, registry: string): URL {
  const problem = problemOf(realm, origin)
  if (problem === undefined) return new URL(realm)
  const [what, hint] = problem
  throw new DrayError('POLICY', `${registry} names ${redactUrl(realm)} as its token server, ${what}`, {
    hint,
  })
}

/** What is wrong with a realm, and who can do what about it. */
function problemOf(realm: string, origin: URL): readonly [string, string] | undefined {
  if (!URL.canParse(realm)) return ['which is no URL', distrust]
  const { protocol, username, password, hostname } = new URL(realm)
  if (protocol !== 'https:' && protocol !== 'http:') return ['which is neither https nor http', distrust]
  if (protocol === 'http:' && origin.protocol === 'https:') {
    return [
      'where anyone on the way could read along',
      'whoever runs the registry has to tell it that it is served over https: a setting of its external URL',
    ]
  }
  if (username || password) return ['with a user name or password in it', distrust]
  const neighbourhood = neighbourhoodOf(hostname)
  if (neighbourhood === undefined || neighbourhood === neighbourhoodOf(origin.hostname)) return undefined
  return [
    `which is ${neighbourhood}`,
    'whoever runs the registry should give its token server a host name; an address of a private network is asked ' +
      'only for a registry that is named by such an address',
  ]
}

const distrust = 'the registry, or a proxy before it, is set up wrongly or is not to be trusted'
