import { fin } from '../body.ts'
import type { FaultRow } from '../fault-row.ts'
import { tlsRegistry } from '../stand-ins.ts'

const known = ['--ca', 'FIXTURES/ca.crt']

/** Who the server is cannot be told, or who we are. Nothing is asked then, and nothing a second time. */
export const certificateRows: readonly FaultRow[] = [
  ...(
    [
      [
        'a certificate that has expired',
        'expired',
        /has expired: it is valid from .* and the clock here says/,
      ],
      ['a certificate that is not valid yet', 'future', /is not valid yet/],
      ['a certificate for another name', 'wrong-name', /is for other names: DNS:registry\.example/],
      ['a certificate that nobody else signed', 'self-signed', /is signed by itself|self-signed/],
      [
        'a certificate whose chain is incomplete',
        'by-intermediate',
        /unknown CA, or its chain is incomplete/,
      ],
    ] as const
  ).map(
    ([words, tls, says]): FaultRow => ({
      fault: words,
      tls,
      exitCode: 8,
      says,
      asks: '',
      args: ['--retries', '6'],
    }),
  ),
  {
    fault: 'a certificate of a CA that nobody here knows',
    tls: 'server',
    trust: [],
    exitCode: 8,
    says: /unknown CA, or its chain is incomplete[\s\S]*--ca FILE/,
    asks: '',
  },
  {
    fault: 'a certificate that is not believed, and the user does not mind',
    tls: 'expired',
    trust: ['--insecure'],
    exitCode: 0,
    says: /not verified|--insecure/,
    asks: 'manifest config layer',
  },
  {
    fault: 'a storage whose certificate has expired',
    tls: 'server',
    storage: true,
    storageTls: 'expired',
    exitCode: 8,
    says: /the certificate of the server 127\.0\.0\.1 has expired.*redirected there/,
    asks: 'manifest config layer',
  },
  {
    fault: 'a storage that speaks no TLS, behind a registry that does',
    tls: 'server',
    storage: true,
    storageTls: 'none',
    exitCode: 8,
    says: /that leaves https for plain http/,
    asks: 'manifest config layer',
  },
  {
    fault: 'a server that knows TLS 1.1 at best',
    standIn: tlsRegistry({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    trust: known,
    exitCode: 8,
    says: /TLS/,
    asks: 2,
  },
  {
    fault: 'a server that wants a client certificate, and gets none',
    standIn: tlsRegistry({ requestCert: true, rejectUnauthorized: true }),
    trust: known,
    exitCode: 8,
    says: /certificate[\s\S]*--cert/,
    asks: 2,
  },
  {
    fault: 'a client certificate without its key',
    tls: 'server',
    trust: [...known, '--cert', 'FIXTURES/client.crt'],
    exitCode: 2,
    says: /key/,
    asks: '',
  },
  {
    fault: 'a client certificate and the key of another one',
    tls: 'server',
    trust: [...known, '--cert', 'FIXTURES/client.crt', '--key', 'FIXTURES/server.key'],
    exitCode: 2,
    says: /does not belong/,
    asks: '',
  },
  {
    fault: 'a client key that is encrypted',
    tls: 'server',
    trust: [...known, '--cert', 'FIXTURES/client.crt', '--key', 'FIXTURES/client-encrypted.key'],
    exitCode: 2,
    says: /encrypted/,
    asks: '',
  },
  {
    fault: 'a client certificate that is not there',
    tls: 'server',
    trust: [...known, '--cert', 'FIXTURES/nothing.crt'],
    exitCode: 7,
    says: /nothing\.crt/,
    asks: '',
  },
  {
    fault: 'a working certificate, and a layer that breaks off through a proxy',
    tls: 'wrong-name',
    proxy: 'works',
    meet: [fin(0.5)],
    exitCode: 0,
    says: /through the proxy|closed the connection too early/,
    asks: 'manifest config layer layer+',
  },
]
