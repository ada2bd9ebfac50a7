import type { Credential } from '../auth/credential.ts'
import type { EndpointLogin } from '../registry/endpoint-login.ts'
import type { RunStep } from './finding.ts'

/** Who we are at a registry, and who says so. Whoever cannot say is no failure: the image may be public. */
export async function checkCredentials(
  login: EndpointLogin,
  { registry }: { readonly registry: string },
  run: RunStep,
): Promise<void> {
  await run('credentials', async () => {
    const credential = await login.find()
    const problem = login.problem()
    if (problem) return { status: 'warning', summary: `${problem}; going on without`, value: undefined }
    const summary = credential ? describeCredential(credential) : `none for ${registry}: anonymous`
    return { summary, value: undefined }
  })
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
