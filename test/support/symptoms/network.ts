import { answer, byPath, images, nginxPage, page, registryWhere, type Symptom } from './symptom.ts'

/** Nothing answers, or not what should. */
export const network: readonly Symptom[] = [
  {
    chapter: 'The network',
    symptom: 'no such host',
    command: 'dray registry.invalid/team/app:1',
    exitCode: 5,
    says: 'the registry registry.invalid was not found: there is no such host name',
    advice: 'check the spelling; if names are only known to a proxy, set --proxy or HTTPS_PROXY',
  },
  {
    symptom: 'connection refused',
    command: 'dray registry.example:PORT/team/app:1',
    exitCode: 5,
    says: 'the registry registry.example refused the connection (tried 127.0.0.1)',
    advice: 'check that it is running and that the port is right',
  },
  {
    chapter: 'The network',
    symptom: 'Client.Timeout exceeded while awaiting headers, i/o timeout',
    server: () => {},
    command: 'dray registry.example:PORT/team/app:1 --plain-http --timeout 1',
    exitCode: 5,
    says: 'the registry registry.example took the request and did not answer in time',
    advice: 'a longer --timeout helps when a slow proxy or scanner is in the way',
  },
  {
    chapter: 'The network',
    symptom: 'http: server gave HTTP response to HTTPS client',
    server: images,
    command: 'dray registry.example:PORT/team/app:1',
    exitCode: 8,
    says: 'the registry registry.example answered, but does not speak TLS',
    advice: 'check the port; for a registry that speaks plain http, add --plain-http',
  },
  {
    symptom: 'Client sent an HTTP request to an HTTPS server',
    server: answer(400, 'Client sent an HTTP request to an HTTPS server.\n'),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 8,
    says: 'registry.example speaks TLS, and was asked in plain http',
    advice: 'leave out --plain-http, and what else says that it speaks no TLS',
  },
  {
    symptom: 'nginx: 400 The plain HTTP request was sent to HTTPS port',
    server: answer(400, nginxPage('400 The plain HTTP request was sent to HTTPS port', '400 Bad Request')),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 8,
    says: 'registry.example speaks TLS, and was asked in plain http',
    advice: 'leave out --plain-http, and what else says that it speaks no TLS',
  },
  {
    symptom: "Apache: You're speaking plain HTTP to an SSL-enabled server port",
    server: answer(
      400,
      page(
        '400 Bad Request',
        "<h1>Bad Request</h1><p>Your browser sent a request that this server could not understand.<br />\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n Instead use the HTTPS scheme to access this URL, please.<br />\n</p>",
      ),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 8,
    says: 'registry.example speaks TLS, and was asked in plain http',
    advice: 'leave out --plain-http, and what else says that it speaks no TLS',
  },
  {
    chapter: 'The network',
    symptom: "invalid character '<' looking for beginning of value",
    server: answer(200, page('Welcome to the guest network')),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'got a web page (title: Welcome to the guest network) instead of registry data from registry.example when asked for team/app:1',
    advice: 'check the host in the name; or does this network want you to log in with a browser first?',
  },
  {
    symptom: 'a login page at another host',
    server: byPath({ '/hello': answer(200, page('Please log in')) }, (request, response) =>
      answer(302, '', { location: `http://portal.example:${request.socket.localPort}/hello` })(
        request,
        response,
      ),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'got a web page (title: Please log in) instead of registry data from portal.example (for registry.example) when asked for team/app:1',
    advice: 'check the host in the name; or does this network want you to log in with a browser first?',
  },
  {
    symptom: 'a login page in place of a layer',
    server: byPath({ '/blobs/': answer(200, page('Please log in')) }, images),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'got a web page (title: Please log in) instead of registry data from registry.example when asked for blob CONFIG of team/app',
    advice: 'check the host in the name; or does this network want you to log in with a browser first?',
  },
  {
    symptom: 'received unexpected HTTP status: 503 Service Unavailable',
    server: answer(503, nginxPage('503 Service Temporarily Unavailable')),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'registry.example answered 503 when asked for team/app:1, with a web page (title: 503 Service Temporarily Unavailable)',
    advice: 'something is wrong there, or at a gateway before it: try again later',
  },
  {
    symptom: '500 without a word',
    server: answer(500),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'registry.example answered 500 when asked for team/app:1',
    advice: 'something is wrong there, or at a gateway before it: try again later',
  },
  {
    symptom: 'OCI index found, but Accept header does not support OCI indexes',
    server: registryWhere(
      answer(404, {
        errors: [
          {
            code: 'MANIFEST_UNKNOWN',
            message: 'OCI index found, but Accept header does not support OCI indexes',
          },
        ],
      }),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'registry.example has team/app:1, but did not see that dray takes its format (MANIFEST_UNKNOWN: OCI index found, but Accept header does not support OCI indexes)',
    advice: 'a proxy or cache on the way cuts the Accept header short: go around it, or have it repaired',
  },
]
