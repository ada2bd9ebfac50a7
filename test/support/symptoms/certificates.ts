import { answer, images, nginxPage, type Symptom } from './symptom.ts'

const knownCa = '--ca FIXTURES/ca.crt'

/** The server is not believed, or does not believe us. */
export const certificates: readonly Symptom[] = [
  {
    chapter: 'Certificates',
    symptom: 'x509: certificate signed by unknown authority',
    tls: 'wrong-name',
    server: images,
    command: 'dray registry.example:PORT/team/app:1',
    exitCode: 8,
    says: 'the certificate of the registry registry.example is signed by an unknown CA, or its chain is incomplete; it is for "dray test wrong-name", issued by "dray test CA"',
    advice:
      'if you trust "dray test CA" (a private CA, a company that inspects TLS), pass its certificate with --ca FILE, or name the file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS',
  },
  {
    chapter: 'Certificates',
    symptom: 'x509: certificate has expired or is not yet valid',
    tls: 'expired',
    server: images,
    command: `dray 127.0.0.1:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'the certificate of the registry 127.0.0.1 has expired: it is valid from Jan 1 00:00:00 2020 GMT to Feb 1 00:00:00 2020 GMT, and the clock here says …; it is for "dray test expired", issued by "dray test CA"',
    advice: 'its operator has to renew it, unless the clock of this machine is wrong',
  },
  {
    chapter: 'Certificates',
    symptom: 'x509: certificate is valid for …, not …',
    tls: 'wrong-name',
    server: images,
    command: `dray mirror.example:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'the certificate of the registry mirror.example is for other names: DNS:registry.example; it is issued by "dray test CA"',
    advice:
      'check the spelling of the host; if a company inspects TLS here, ask for a proxy that does it right',
  },
  {
    chapter: 'Certificates',
    symptom: 'nginx: 400 No required SSL certificate was sent',
    tls: 'wrong-name',
    server: answer(400, nginxPage('400 No required SSL certificate was sent', '400 Bad Request')),
    command: `dray registry.example:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'registry.example wants a client certificate',
    advice: 'give it with --cert FILE --key FILE',
  },
  {
    symptom: 'nginx: 400 The SSL certificate error',
    tls: 'wrong-name',
    server: answer(400, nginxPage('400 The SSL certificate error', '400 Bad Request')),
    command: `dray registry.example:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'registry.example does not accept the client certificate',
    advice: 'check that --cert is from the CA that it trusts, and has not expired',
  },
  {
    symptom: 'x509: certificate is not yet valid',
    tls: 'future',
    server: images,
    command: `dray 127.0.0.1:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'the certificate of the registry 127.0.0.1 is not valid yet: it is valid from Jan 1 00:00:00 2090 GMT to Jan 1 00:00:00 2190 GMT, and the clock here says …; it is for "dray test future", issued by "dray test CA"',
    advice: 'check the clock of this machine',
  },
  {
    symptom: 'self-signed certificate',
    tls: 'self-signed',
    server: images,
    command: 'dray 127.0.0.1:PORT/team/app:1',
    exitCode: 8,
    says: 'the certificate of the registry 127.0.0.1 is self-signed, and not one that this machine trusts; it is for "dray test self-signed", issued by "dray test self-signed"',
    advice:
      'if you trust "dray test self-signed" (a private CA, a company that inspects TLS), pass its certificate with --ca FILE, or name the file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS',
  },
  {
    symptom: 'unable to verify the first certificate: the server leaves out the intermediate one',
    tls: 'by-intermediate',
    server: images,
    command: `dray 127.0.0.1:PORT/team/app:1 ${knownCa}`,
    exitCode: 8,
    says: 'the certificate of the registry 127.0.0.1 is signed by an unknown CA, or its chain is incomplete; it is for "dray test by-intermediate, dray", issued by "dray test intermediate, dray"',
    advice:
      'if you trust "dray test intermediate, dray" (a private CA, a company that inspects TLS), pass its certificate with --ca FILE, or name the file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS',
  },
]
