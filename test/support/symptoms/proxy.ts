import { answer, page, type Symptom } from './symptom.ts'

const throughProxy = 'dray registry.example/team/app:1 --plain-http --proxy http://proxy.example:PORT'

/** A proxy answers in place of the registry, or does not answer at all. */
export const proxy: readonly Symptom[] = [
  {
    symptom: 'proxyconnect tcp: connection refused',
    command: 'dray registry.example/team/app:1 --proxy http://proxy.example:PORT',
    exitCode: 5,
    says: 'the proxy proxy.example refused the connection (tried 127.0.0.1)',
    advice: 'check that it is running and that the port is right',
  },
  {
    chapter: 'Proxy',
    symptom: 'Proxy Authentication Required',
    server: answer(407, page('ERROR: Cache Access Denied'), {
      'proxy-authenticate': ['NTLM', 'Basic realm="company"'],
    }),
    command: throughProxy,
    exitCode: 4,
    says: 'the proxy proxy.example wants a user name and password (407 Proxy Authentication Required); it offers NTLM, Basic',
    advice: 'put them into --proxy: http://<user>:<password>@<host>:<port>',
  },
  {
    symptom: 'squid: 503 with an error page',
    server: answer(503, page('ERROR: The requested URL could not be retrieved'), {
      server: 'squid/5.7',
      'x-squid-error': 'ERR_DNS_FAIL 0',
    }),
    command: throughProxy,
    exitCode: 5,
    says: 'the proxy proxy.example was not able to connect to registry.example: it answered 503 Service Unavailable, ERR_DNS_FAIL',
    advice: 'the proxy could not reach the host; check its spelling, and that the proxy may go there',
  },
  {
    symptom: 'an error page of a proxy that nobody set',
    server: answer(502, page('Gateway error'), { via: '1.1 gateway' }),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'the proxy answered 502 when registry.example was asked for team/app:1, with a web page (title: Gateway error)',
    advice: 'the proxy may not reach the registry, or not be allowed to',
  },
  {
    chapter: 'Proxy',
    symptom: 'proxyconnect tcp: 403 Forbidden',
    connect: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
    command: 'dray registry.example/team/app:1 --proxy http://proxy.example:PORT',
    exitCode: 5,
    says: 'the proxy proxy.example refused to connect to registry.example:443: it answered 403 Forbidden',
    advice:
      'its rules forbid this host or port; ask for them to be opened, or name the host in NO_PROXY if it can be reached directly',
  },
]
