import { access, constants, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, isDrayError, systemErrorCode } from '../errors.ts'
import { readCertificates } from '../http/certificates.ts'
import type { ClientCertificate, OriginTls } from '../http/tls.ts'

type OnWarning = (message: string) => void

/**
 * What a `certs.d` has for an origin: `directories` are the parents, such as `/etc/docker/certs.d`, and the first that has
 * a directory for the host is taken, as podman does. Undefined when none has. Warns of what cannot be used.
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
 * other files mean nothing. A certificate without its key, or the other way round, is left out with a warning.
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
  for (const pair of pairsOf(directory, names, onWarning)) {
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
    if (await isSpecial(caFile)) throw new DrayError('FILE', `the CA file ${caFile} is no file`)
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
    const problem = await problemOf(file)
    if (problem === undefined) continue
    onWarning(`the client certificate ${certFile} is left out: ${file} ${problem}`)
    return false
  }
  return true
}

async function problemOf(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK)
    return (await isSpecial(file)) ? 'is no file' : undefined
  } catch (error) {
    return `cannot be read (${systemErrorCode(error) ?? 'no access'})`
  }
}

/** Whoever opens a pipe waits for what is never written to it. */
async function isSpecial(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === false
}

function pairsOf(
  directory: string,
  names: readonly string[],
  onWarning: OnWarning,
): readonly ClientCertificate[] {
  const stemsOf = (suffix: string) =>
    names
      .filter((name) => name.endsWith(suffix))
      .map((name) => join(directory, name.slice(0, -suffix.length)))
  const certificates = stemsOf('.cert')
  const keys = stemsOf('.key')
  for (const stem of certificates.filter((each) => !keys.includes(each))) {
    onWarning(
      `${stem}.cert is left out: ${stem}.key, its key, is missing; the certificate of a CA is called NAME.crt`,
    )
  }
  for (const stem of keys.filter((each) => !certificates.includes(each))) {
    onWarning(`${stem}.key is left out: ${stem}.cert, its certificate, is missing`)
  }
  return certificates
    .filter((stem) => keys.includes(stem))
    .map((stem) => ({ certFile: `${stem}.cert`, keyFile: `${stem}.key` }))
}
