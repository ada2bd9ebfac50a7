import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from './run.ts'

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export interface CertificateAuthority {
  /** Path of the root certificate: what goes into `--ca` and into a registry's `rootcertbundle`. */
  readonly certificate: string
  /** A certificate for servers under these names (`IP:192.0.2.1`, `DNS:registry.test`), signed by this authority. */
  issue(name: string, subjectAltNames: readonly string[]): Promise<Certificate>
}

/** A private certificate authority whose files are in the directory. */
export async function createCertificateAuthority(directory: string): Promise<CertificateAuthority> {
  const root = paths(directory, 'ca')
  await newKey(root.key)
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    root.key,
    '-out',
    root.certificate,
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
  )
  return {
    certificate: root.certificate,
    issue: (name, subjectAltNames) => issue(root, paths(directory, name), subjectAltNames),
  }
}

async function issue(root: Certificate, leaf: Certificate, names: readonly string[]): Promise<Certificate> {
  const request = `${leaf.key}.request`
  const extensions = `${leaf.key}.extensions`
  await newKey(leaf.key)
  await openssl('req', '-new', '-key', leaf.key, '-out', request, '-subj', '/CN=test server')
  await writeFile(extensions, `subjectAltName=${names.join(',')}\n`)
  const authority = ['-CA', root.certificate, '-CAkey', root.key, '-CAcreateserial']
  const result = ['-in', request, '-out', leaf.certificate, '-extfile', extensions]
  await openssl('x509', '-req', '-days', '2', ...authority, ...result)
  return leaf
}

async function newKey(path: string): Promise<void> {
  await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path)
}

function paths(directory: string, name: string): Certificate {
  return { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
}

function openssl(...args: string[]): Promise<string> {
  return mustRun('openssl', args)
}
