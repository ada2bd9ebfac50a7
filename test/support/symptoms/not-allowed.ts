import {
  answer,
  anyToken,
  byPath,
  images,
  page,
  registryWhere,
  type Symptom,
  specError,
  withBasicChallenge,
  withChallenge,
} from './symptom.ts'

const loggedIn = { env: { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' } }

/** The registry does not give the image to this user. */
export const notAllowed: readonly Symptom[] = [
  {
    chapter: 'Not allowed',
    symptom: "pull access denied, repository does not exist or may require 'docker login'",
    server: withChallenge(
      anyToken,
      answer(401, specError('UNAUTHORIZED', 'authentication required'), {
        'www-authenticate': 'Bearer error="insufficient_scope"',
      }),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused team/app:1: not found, or it needs a login (UNAUTHORIZED: authentication required)',
    advice: 'check the name; if it is private, log in: dray login registry.example',
  },
  {
    chapter: 'Not allowed',
    symptom: 'pull access denied for myapp, an image of your own on Docker Hub',
    server: answer(401, specError('UNAUTHORIZED', 'authentication required')),
    command: 'dray myapp --plain-http --proxy http://127.0.0.1:PORT',
    exitCode: 4,
    says: 'docker.io refused library/myapp:latest: not found, or it needs a login (UNAUTHORIZED: authentication required)',
    advice:
      'check the name, which begins with its owner (OWNER/IMAGE) unless the image is an official one; if it is private, log in: dray login docker.io',
  },
  {
    symptom: 'no basic auth credentials',
    server: withBasicChallenge('Not Authorized\n'),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused team/app:1: not found, or it needs a login (Not Authorized)',
    advice: 'check the name; if it is private, log in: dray login registry.example',
  },
  {
    chapter: 'Not allowed',
    symptom: 'unauthorized: authentication required, after a login',
    server: withBasicChallenge(
      specError('UNAUTHORIZED', 'authentication required'),
      answer(401, specError('UNAUTHORIZED', 'authentication required'), {
        'www-authenticate': 'Basic realm="registry"',
      }),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    ...loggedIn,
    exitCode: 4,
    says: 'registry.example refused team/app:1: it does not take the login from DRAY_USERNAME (UNAUTHORIZED: authentication required)',
    advice:
      'check the user name and the password or token, or log in again (dray login registry.example): some registries take access tokens only, those of clouds are good for hours',
  },
  {
    chapter: 'Not allowed',
    symptom: 'denied, after a login',
    server: withChallenge(
      anyToken,
      answer(403, specError('DENIED', 'requested access to the resource is denied')),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    ...loggedIn,
    warns: 'the credentials for registry.example go over plain http, where anyone on the way can read them',
    exitCode: 4,
    says: 'registry.example refused team/app:1: not found, or no access (DENIED: requested access to the resource is denied)',
    advice: 'check the name, and what this account may read',
  },
  {
    symptom: 'denied: Authenticate Error, as errorCode and errorMessage',
    server: withChallenge(
      anyToken,
      answer(401, { errors: [{ errorCode: 'SVCSTG.SWR.4010000', errorMessage: 'Authenticate Error' }] }),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    ...loggedIn,
    exitCode: 4,
    says: 'registry.example refused team/app:1: not found, or no access (SVCSTG.SWR.4010000: Authenticate Error)',
    advice: 'check the name, and what this account may read',
  },
  {
    chapter: 'Not allowed',
    symptom: 'Your authorization token has expired. Reauthenticate and try again.',
    server: withBasicChallenge(
      'Not Authorized\n',
      answer(403, specError('DENIED', 'Your authorization token has expired. Reauthenticate and try again.')),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    env: { DRAY_USERNAME: 'AWS', DRAY_PASSWORD: 'secret' },
    exitCode: 4,
    says: 'registry.example refused team/app:1: the login has expired (DENIED: Your authorization token has expired. Reauthenticate and try again.)',
    advice:
      'get a new password and log in again (dray login registry.example): those of cloud registries are good for hours',
  },
  {
    symptom: 'unauthorized: authentication required, for a layer though the manifest came',
    server: byPath({ '/blobs/': answer(401, specError('UNAUTHORIZED', 'authentication required')) }, images),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused blob CONFIG of team/app: not found, or it needs a login (UNAUTHORIZED: authentication required)',
    advice: 'check the name; if it is private, log in: dray login registry.example',
  },
  {
    symptom: '412, held back by a rule of Harbor',
    server: registryWhere(
      answer(
        412,
        specError('PROJECTPOLICYVIOLATION', 'current image with "High" vulnerabilities cannot be pulled'),
      ),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused team/app:1: a rule of its own forbids it (PROJECTPOLICYVIOLATION: current image with "High" vulnerabilities cannot be pulled)',
    advice: 'ask those who run it: it may hold back images with known holes, or without a signature',
  },
  {
    symptom: 'a gateway that wants Kerberos',
    server: answer(401, page('401 Unauthorized'), { 'www-authenticate': ['Negotiate', 'NTLM'] }),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused team/app:1: it wants a login by negotiate, ntlm, which dray does not know, with a web page (title: 401 Unauthorized)',
    advice: 'a company gateway may stand before the registry: ask for a way around it',
  },
  {
    symptom: '403 Forbidden with a web page, from a country that the registry does not serve',
    server: answer(
      403,
      '<html><body><h1>403 Forbidden</h1>\nSince we are a US company, we must comply with US export control regulations.</body></html>',
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'registry.example refused team/app:1: it answered 403, with a web page (title: 403 Forbidden Since we are a US company, we must comply with US export control regulations.)',
    advice: 'a web page came back: a firewall there or on the way may have answered in its place',
  },
  {
    symptom: 'the storage of the layers says 403 AccessDenied',
    server: byPath(
      {
        '/blobs/': (request, response) =>
          answer(307, '', { location: `http://cdn.example:${request.socket.localPort}/layer` })(
            request,
            response,
          ),
        '/layer': answer(
          403,
          '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
          {
            'content-type': 'application/xml',
          },
        ),
      },
      images,
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 4,
    says: 'cdn.example (for registry.example) refused blob CONFIG of team/app: it does not take the link that registry.example gave (ACCESSDENIED: Request has expired)',
    advice:
      'such a link is good for minutes and often for one address: check the clock, and what a proxy changes',
  },
]
