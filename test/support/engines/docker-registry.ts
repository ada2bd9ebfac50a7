import { writeFile } from 'node:fs/promises'
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
  /** The `auth` section of the registry's configuration. */
  readonly auth?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The network namespace that the registry lives in. */
  readonly namespace?: string
}

export interface Registry extends Daemon {
  /** `host:port`, the first part of a reference. */
  readonly host: string
}

/** Starts Debian's docker-registry. */
export async function startRegistry({
  directory,
  storage,
  address,
  certificate,
  auth,
  namespace,
}: RegistryOptions): Promise<Registry> {
  const host = address ?? `127.0.0.1:${await freePort()}`
  const name = join(directory, `registry-${host.replace(':', '-')}`)
  const configuration = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: host, ...(certificate && { tls: certificate }) },
    ...(auth && { auth }),
  }
  // JSON is YAML.
  await writeFile(`${name}.yml`, JSON.stringify(configuration))
  const [command, args] = inNamespace(namespace, 'docker-registry', ['serve', `${name}.yml`])
  const daemon = await startDaemon(command, args, { log: `${name}.log`, ready: /listening on/ })
  return { ...daemon, host }
}
