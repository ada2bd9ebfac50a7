/** How a machine is set up for a mirror at `docker-mirror.internal`. */
export interface MirrorSetup {
  /** The flag or file that names the mirror. */
  readonly by: string
  readonly how: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The files of the machine, given what is to be in one that trusts the mirror. */
  readonly files: (authority: string) => Readonly<Record<string, string>>
  /** The mirror's certificate is not verified, which is a warning. */
  readonly isInsecure?: boolean
  /** The image to pull, if not one of Docker Hub's. */
  readonly image?: string
}

const registriesConf = `
[[registry]]
location = "docker.io"

[[registry.mirror]]
location = "docker-mirror.internal"
`

// As in containers-registries.conf(5).
const renamingRegistriesConf = `
unqualified-search-registries = ["example.com"]

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal-registry-for-example.com/bar"

[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"
`

/**
 * A hosts.toml with another mirror before that one, which may not say what a tag is; as in containerd's docs/hosts.md,
 * "Setup a Local Mirror for Docker".
 */
export const distrustingHostsToml = `
server = "https://registry-1.docker.io"    # Exclude this to not use upstream

[host."https://public-mirror.example.com"]
  capabilities = ["pull"]                  # Requires less trust, won't resolve tag to digest from this host
[host."https://docker-mirror.internal"]
  capabilities = ["pull", "resolve"]
  ca = "docker-mirror.crt"                 # Or absolute path /etc/containerd/certs.d/docker.io/docker-mirror.crt
`

const hostsToml = distrustingHostsToml.replace(/\[host."https:\/\/public.*\n.*\n/, '')

// The same, "Setup Default Mirror for All Registries".
const defaultHostsToml = `
[host."https://docker-mirror.internal"]
  capabilities = ["pull", "resolve"]
  ca = "/etc/containerd/docker-mirror.crt"
`

// The same, "Bypass TLS Verification Example".
const bypassingHostsToml = `
server = "https://registry-1.docker.io"

[host."https://docker-mirror.internal"]
  capabilities = ["pull", "resolve", "push"]
  skip_verify = true
`

const configPathToml = `
version = 2

[plugins."io.containerd.grpc.v1.cri".registry]
   config_path = "/etc/containerd/hosts"
`

// As in containerd's docs/cri/registry.md.
const configToml = (version: number, plugin: string) => `
version = ${version}

[plugins."${plugin}".registry]
  [plugins."${plugin}".registry.mirrors]
    [plugins."${plugin}".registry.mirrors."docker.io"]
      endpoint = ["https://docker-mirror.internal", "https://registry-1.docker.io"]
  [plugins."${plugin}".registry.configs]
    [plugins."${plugin}".registry.configs."docker-mirror.internal".tls]
      ca_file   = "/etc/containerd/docker-mirror.crt"
`

const daemonJson = `{
  "registry-mirrors": ["https://docker-mirror.internal"]
}
`

const insecureDaemonJson = `{
  "insecure-registries": ["docker-mirror.internal"],
  "registry-mirrors": ["https://docker-mirror.internal"]
}
`

const dockerTrust = '/etc/docker/certs.d/docker-mirror.internal/ca.crt'
const podmanTrust = '/etc/containers/certs.d/docker-mirror.internal/ca.crt'

/** The ways to name a mirror, each file as the documentation of its tool shows it. */
export const mirrorSetups: readonly MirrorSetup[] = [
  {
    by: '--mirror',
    how: 'alone',
    args: ['--mirror', 'https://docker-mirror.internal'],
    files: (ca) => ({ [dockerTrust]: ca }),
  },
  {
    by: 'DRAY_MIRROR',
    how: 'in its variable',
    env: { DRAY_MIRROR: 'docker.io=https://docker-mirror.internal/' },
    files: (ca) => ({ [podmanTrust]: ca }),
  },
  {
    by: '/etc/containers/registries.conf',
    how: 'for a whole registry',
    files: (ca) => ({ '/etc/containers/registries.conf': registriesConf, [podmanTrust]: ca }),
  },
  {
    by: '/etc/containers/registries.conf',
    how: 'for a prefix that is served under another name',
    image: 'example.com/foo/image:latest',
    files: (ca) => ({
      '/etc/containers/registries.conf': renamingRegistriesConf,
      '/etc/containers/certs.d/example-mirror-0.local/ca.crt': ca,
    }),
  },
  {
    by: '/etc/containers/registries.conf',
    how: 'as insecure',
    isInsecure: true,
    files: () => ({ '/etc/containers/registries.conf': `${registriesConf}insecure = true\n` }),
  },
  {
    by: '~/.config/containers/registries.conf',
    how: 'whatever the system’s says',
    files: (ca) => ({
      '/etc/containers/registries.conf': '[[registry]]\nlocation = "docker.io"\nblocked = true\n',
      '~/.config/containers/registries.conf': registriesConf,
      '~/.config/containers/certs.d/docker-mirror.internal/ca.crt': ca,
    }),
  },
  {
    by: '/etc/containers/registries.conf.d/mirror.conf',
    how: 'in addition',
    files: (ca) => ({
      '/etc/containers/registries.conf': 'unqualified-search-registries = ["docker.io"]\n',
      '/etc/containers/registries.conf.d/mirror.conf': registriesConf,
      [podmanTrust]: ca,
    }),
  },
  {
    by: '/etc/containerd/certs.d/docker.io/hosts.toml',
    how: 'for a registry',
    files: (ca) => ({
      '/etc/containerd/certs.d/docker.io/hosts.toml': hostsToml,
      '/etc/containerd/certs.d/docker.io/docker-mirror.crt': ca,
    }),
  },
  {
    by: '/etc/containerd/hosts/_default/hosts.toml',
    how: 'for all registries, in the config_path',
    files: (ca) => ({
      '/etc/containerd/config.toml': configPathToml,
      '/etc/containerd/hosts/_default/hosts.toml': defaultHostsToml,
      '/etc/containerd/docker-mirror.crt': ca,
    }),
  },
  {
    by: '/etc/containerd/certs.d/docker.io/hosts.toml',
    how: 'as not to be verified',
    isInsecure: true,
    files: () => ({ '/etc/containerd/certs.d/docker.io/hosts.toml': bypassingHostsToml }),
  },
  {
    by: '/etc/containerd/config.toml',
    how: 'of version 2',
    files: (ca) => ({
      '/etc/containerd/config.toml': configToml(2, 'io.containerd.grpc.v1.cri'),
      '/etc/containerd/docker-mirror.crt': ca,
    }),
  },
  {
    by: '/etc/containerd/config.toml',
    how: 'of version 3',
    files: (ca) => ({
      '/etc/containerd/config.toml': configToml(3, 'io.containerd.cri.v1.images'),
      '/etc/containerd/docker-mirror.crt': ca,
    }),
  },
  {
    by: '/etc/docker/daemon.json',
    how: 'of docker',
    files: (ca) => ({ '/etc/docker/daemon.json': daemonJson, [dockerTrust]: ca }),
  },
  {
    by: '/etc/docker/daemon.json',
    how: 'as insecure',
    isInsecure: true,
    files: () => ({ '/etc/docker/daemon.json': insecureDaemonJson }),
  },
  {
    by: '~/.config/docker/daemon.json',
    how: 'of a rootless docker',
    files: (ca) => ({
      '~/.config/docker/daemon.json': daemonJson,
      '~/.config/docker/certs.d/docker-mirror.internal/ca.crt': ca,
    }),
  },
]
