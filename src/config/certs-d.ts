import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, isDrayError, systemErrorCode } from '../errors.ts'
import { readCertificates } from '../http/certificates.ts'
import type { ClientCertificate, OriginTls } from '../http/tls.ts'

type OnWarning = (message: string) => void

/**
 * What a `certs.d` has for an origin: `directories` are the parents, such as `/etc/docker/certs.d`, and the first that has
 * a directory for the host is taken, as podman does. Undefined when none has. Throws FILE for half a client certificate;
 * warns of what this user may not read.
 */
export async function certsDirectoryTls(
  directories: readonly string[],
  origin: URL,
  onWarning: OnWarning = () => {},
): Promise<OriginTls | undefined> {
  const names = directoryNames(origin)
  for (const parent of directories) {
    for (const name of names) {
      const directory = join(parent, name)
      if (await isThere(directory, onWarning)) return readCertsDirectory(directory, onWarning)
    }
  }
  return undefined
}

/**
 * The certificates of one directory, by docker's rules: `*.crt` are CAs, `NAME.cert` with `NAME.key` a client certificate;
 * other files mean nothing. Throws FILE for a certificate without its key and the other way round.
 */
export async function readCertsDirectory(
  directory: string,
  onWarning: OnWarning = () => {},
): Promise<OriginTls> {
  const names = (await readdir(directory)).sort()
  const caFiles: string[] = []
  for (const name of names.filter((each) => each.endsWith('.crt'))) {
    const file = join(directory, name)
    if (await isUsable(file, onWarning)) caFiles.push(file)
  }
  const clientCertificates: ClientCertificate[] = []
  for (const pair of pairsOf(directory, names)) {
    if (await isReadable(pair, onWarning)) clientCertificates.push(pair)
  }
  return { caFiles, clientCertificates }
}

/**
 * `host:port` as it stands in a URL; where the port is the usual one, references may name it or not. Docker Hub goes by its
 * short name. Windows has no colons in file names.
 */
function directoryNames({ hostname, host, port }: URL): readonly string[] {
  const hub = /^(registry-1|index)\.docker\.io$/.test(host) ? ['docker.io'] : []
  const names = [...hub, host, ...(port === '' ? [`${hostname}:443`] : [])]
  return process.platform === 'win32' ? names.map((name) => name.replaceAll(':', '')) : names
}

async function isThere(directory: string, onWarning: OnWarning): Promise<boolean> {
  try {
    await readdir(directory)
    return true
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EACCES' || code === 'EPERM') {
      onWarning(`the certificates in ${directory} are left out: this user may not read it`)
    }
    return false
  }
}

/** Docker looks past CA files that it cannot make anything of. */
async function isUsable(caFile: string, onWarning: OnWarning): Promise<boolean> {
  try {
    await readCertificates(caFile)
    return true
  } catch (error) {
    if (!isDrayError(error)) throw error
    onWarning(`${error.message}; it is left out`)
    return false
  }
}

/** Keys are often for root only, and the registry may do without them for this image. */
async function isReadable({ certFile, keyFile }: ClientCertificate, onWarning: OnWarning): Promise<boolean> {
  for (const file of [certFile, keyFile]) {
    try {
      await access(file, constants.R_OK)
    } catch (error) {
      const reason = systemErrorCode(error) ?? 'no access'
      onWarning(`the client certificate ${certFile} is left out: ${file} cannot be read (${reason})`)
      return false
    }
  }
  return true
}

function pairsOf(directory: string, names: readonly string[]): readonly ClientCertificate[] {
  const stemsOf = (suffix: string) =>
    names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
  const certificates = stemsOf('.cert')
  const keys = stemsOf('.key')
  for (const stem of certificates.filter((each) => !keys.includes(each))) {
    throw halfMissing(`${join(directory, stem)}.key`, `${join(directory, stem)}.cert has no key`)
  }
  for (const stem of keys.filter((each) => !certificates.includes(each))) {
    throw halfMissing(`${join(directory, stem)}.cert`, `${join(directory, stem)}.key has no certificate`)
  }
  return certificates.map((stem) => ({
    certFile: join(directory, `${stem}.cert`),
    keyFile: join(directory, `${stem}.key`),
  }))
}

function halfMissing(file: string, problem: string): DrayError {
  return new DrayError('FILE', `${problem}: ${file} is missing`, {
    hint: 'client certificates come in pairs, NAME.cert and NAME.key; the certificate of a CA has to be called NAME.crt',
  })
}
