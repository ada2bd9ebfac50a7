import { answer, page, type Symptom, specError, withChallenge } from './symptom.ts'

const login = { env: { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' } }
const command = 'dray registry.example:PORT/team/app:1 --plain-http'

const identityToken = (host: string) =>
  JSON.stringify({ auths: { [host]: { auth: '', identitytoken: 'an-identity-token' } } })

/** The token server refuses before the registry is asked. */
export const tokens: readonly Symptom[] = [
  {
    symptom: 'error from registry: denied, from a token server that tells nobody what there is',
    server: withChallenge(answer(403, specError('DENIED', 'requested access to the resource is denied'))),
    command,
    exitCode: 4,
    says: 'registry.example: the token server registry.example refused, no credentials were sent (403): requested access to the resource is denied',
    advice:
      'check the name; if it is private, log in: dray login registry.example, or --username and --password-stdin',
  },
  {
    symptom: 'unauthorized: incorrect username or password',
    server: withChallenge(answer(401, { details: 'incorrect username or password' })),
    command,
    ...login,
    exitCode: 4,
    says: 'registry.example: the token server registry.example refused the login from DRAY_USERNAME (401): incorrect username or password',
    advice:
      'check the user name and the password or token, or log in again (dray login registry.example): some registries take access tokens only, those of clouds are good for hours',
  },
  {
    symptom: 'unauthorized: authentication failed, for an access token that has expired',
    server: withChallenge(answer(401, specError('UNAUTHENTICATED', 'the access token has expired'))),
    command,
    env: { DRAY_USERNAME: 'oauth2accesstoken', DRAY_PASSWORD: 'secret' },
    exitCode: 4,
    says: 'registry.example: the token server registry.example refused the login from DRAY_USERNAME (401): the access token has expired',
    advice: 'the login has expired or was revoked: log in again, dray login registry.example',
  },
  {
    symptom: 'invalid_grant, for an identity token that was revoked',
    server: withChallenge(answer(400, { error: 'invalid_grant' })),
    command,
    env: { DOCKER_AUTH_CONFIG: identityToken('registry.example:PORT') },
    exitCode: 4,
    says: 'registry.example: the token server registry.example refused the login from DOCKER_AUTH_CONFIG (400): invalid_grant',
    advice: 'the login has expired or was revoked: log in again, dray login registry.example',
  },
  {
    symptom: 'Too Many Requests, from the token server',
    server: withChallenge(answer(429, 'Too Many Requests')),
    command,
    exitCode: 9,
    says: 'registry.example: the token server registry.example wants fewer requests for now, 429 (Too Many Requests)',
    advice: 'try again in some minutes, or log in, which raises most limits: dray login registry.example',
  },
  {
    symptom: 'a login page in place of a token',
    server: withChallenge(answer(200, page('Please log in'))),
    command,
    exitCode: 5,
    says: 'registry.example: got a web page (title: Please log in) instead of a token from registry.example',
    advice: 'a proxy may want you to log in first, or this is not the right host',
  },
]
