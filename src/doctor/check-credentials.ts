import { type Challenge, wantsPassword } from '../auth/challenge.ts'
import type { Credential } from '../auth/credential.ts'
import { discardBody } from '../http/read-body.ts'
import { inquiryFor } from '../registry/endpoint-access.ts'
import type { EndpointLogin } from '../registry/endpoint-login.ts'
import { responseError } from '../registry/registry-response.ts'
import type { RunStep } from './finding.ts'
import type { Visit } from './visit.ts'

/**
 * Who we are at a registry, and who says so. Whoever cannot say is no failure: the image may be public. `prove` is
 * given what was found, and rejects when it is no good.
 */
export async function checkCredentials(
  login: EndpointLogin,
  { registry }: { readonly registry: string },
  run: RunStep,
  prove: (credential: Credential) => Promise<void> = async () => {},
): Promise<void> {
  await run('credentials', async () => {
    const credential = await login.find()
    const problem = login.problem()
    if (problem)
      return { status: 'warning', summary: `${problem.message}; going on without`, value: undefined }
    if (credential) await prove(credential)
    const summary = credential ? describeCredential(credential) : `none for ${registry}: anonymous`
    return { summary, value: undefined }
  })
}

/** Tries a password at the root of the API. What is traded for a token is tried with that. */
export function passwordTest(challenges: readonly Challenge[], { atRoot, root, signal }: Visit) {
  return async ({ kind }: Credential): Promise<void> => {
    if (kind !== 'basic' || !wantsPassword(challenges)) return
    const response = await atRoot.get({ path: '', purpose: 'ping', signal })
    if (response.status !== 401) return discardBody(response.body)
    throw await responseError(response, inquiryFor(atRoot, { what: root.pathname, signal }))
  }
}

function describeCredential(credential: Credential): string {
  const kind = {
    basic: 'a password',
    'identity-token': 'an identity token',
    'registry-token': 'a registry token',
  }[credential.kind]
  const user = credential.kind === 'basic' ? ` of ${credential.username}` : ''
  return `${kind}${user}${credential.from === undefined ? '' : `, from ${credential.from}`}`
}
