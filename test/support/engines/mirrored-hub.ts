import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CertificateAuthority, createCertificateAuthority } from './certificate-authority.ts'
import { type Registry, startRegistry } from './docker-registry.ts'
import { createIsland } from './network-namespaces.ts'

/** Docker Hub, in a network without a way out where others may mirror it. */
export interface MirroredHub {
  readonly namespace: string
  /** Who is where in that network. */
  readonly hosts: Readonly<Record<string, string>>
  readonly hub: Registry
  /** Path of the root certificate that has signed for all but the company. */
  readonly publicAuthority: string
  /** What is in the file that has signed for the company. */
  readonly companyAuthority: string
  /** Starts a docker-registry that has nothing of its own yet. */
  startMirror(whose: 'company' | 'public'): Promise<Registry>
  stop(): Promise<void>
}

const addresses = { hub: '192.0.2.1', company: '192.0.2.2', public: '192.0.2.3' } as const

const names = {
  hub: ['registry-1.docker.io', 'internal-registry-for-example.com'],
  company: [
    ...['docker-mirror.internal', 'podman-mirror.internal', 'containerd-mirror.internal'],
    ...['flag-mirror.internal', 'example-mirror-0.local', 'example-mirror-1.local'],
  ],
  public: ['public-mirror.example.com'],
} as const

type Place = keyof typeof addresses

const places = Object.keys(addresses) as Place[]

/** Serves what is in `storage` as Docker Hub; all other files go into `directory`. */
export async function startMirroredHub(directory: string, storage: string): Promise<MirroredHub> {
  const { namespace, remove } = await createIsland(Object.values(addresses))
  const running: Registry[] = []
  const stop = async () => {
    for (const registry of running) await registry.stop()
    await remove()
  }
  const start = async (
    place: Place,
    options: Parameters<typeof startRegistry>[0],
    by: CertificateAuthority,
  ) => {
    const certificate = await by.issue(place, subjectsAt(place))
    const registry = await startRegistry({
      ...options,
      address: `${addresses[place]}:443`,
      certificate,
      namespace,
    })
    running.push(registry)
    return registry
  }
  try {
    const everyone = await createAuthority(join(directory, 'public'))
    const company = await createAuthority(join(directory, 'company'))
    const mirrorOf = { url: `https://${addresses.hub}`, authority: everyone.certificate }
    return {
      namespace,
      hosts: Object.fromEntries(
        places.flatMap((place) => names[place].map((name) => [name, addresses[place]])),
      ),
      hub: await start('hub', { directory, storage }, everyone),
      publicAuthority: everyone.certificate,
      companyAuthority: await readFile(company.certificate, 'utf8'),
      startMirror: async (whose) => {
        const own = await mkdtemp(join(directory, `${whose}-`))
        const options = { directory: own, storage: join(own, 'storage'), mirrorOf }
        return start(whose, options, whose === 'company' ? company : everyone)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function createAuthority(directory: string): Promise<CertificateAuthority> {
  await mkdir(directory)
  return createCertificateAuthority(directory)
}

function subjectsAt(place: Place): readonly string[] {
  return [...names[place].map((name) => `DNS:${name}`), `IP:${addresses[place]}`]
}
