import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { freePort } from './free-port.ts'
import { inNamespace } from './network-namespaces.ts'

export interface RegistryOptions {
  /** Where the configuration and the log go. */
  readonly directory: string
  /** Where blobs and manifests are; several registries may serve the same. */
  readonly storage: string
  /** `host:port` to listen on; a free port of 127.0.0.1 when absent. */
  readonly address?: string
  readonly certificate?: { readonly certificate: string; readonly key: string }
  /** Only clients with a certificate of this authority are let in. */
  readonly clientAuthority?: string
  /** Where blobs are fetched from, instead of here. */
  readonly redirect?: string
  /** The `auth` section of the registry's configuration. */
  readonly auth?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The network namespace that the registry lives in. */
  readonly namespace?: string
  /** The registry that this one fetches from, what it does not have yet, and the authority of that one's certificate. */
  readonly mirrorOf?: { readonly url: string; readonly authority: string }
}

export interface Registry extends Daemon {
  /** `host:port`, the first part of a reference. */
  readonly host: string
  /** All that it was asked so far, and what it said about itself. */
  readLog(): Promise<string>
}

/** Starts Debian's docker-registry. */
export async function startRegistry({
  directory,
  storage,
  address,
  certificate,
  clientAuthority,
  redirect,
  auth,
  namespace,
  mirrorOf,
}: RegistryOptions): Promise<Registry> {
  const host = address ?? `127.0.0.1:${await freePort()}`
  const name = join(directory, `registry-${host.replace(':', '-')}`)
  const clientCas = clientAuthority ? { clientcas: [clientAuthority] } : {}
  const configuration = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: host, ...(certificate && { tls: { ...certificate, ...clientCas } }) },
    ...(redirect && { middleware: { storage: [{ name: 'redirect', options: { baseurl: redirect } }] } }),
    ...(auth && { auth }),
    ...(mirrorOf && { proxy: { remoteurl: mirrorOf.url } }),
  }
  // JSON is YAML.
  await writeFile(`${name}.yml`, JSON.stringify(configuration))
  const [command, args] = inNamespace(namespace, 'docker-registry', ['serve', `${name}.yml`])
  const log = `${name}.log`
  const env = { ...process.env, ...(mirrorOf && { SSL_CERT_FILE: mirrorOf.authority }) }
  const daemon = await startDaemon(command, args, { log, ready: /listening on/, env })
  return { ...daemon, host, readLog: () => readFile(log, 'utf8') }
}
