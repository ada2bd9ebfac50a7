import { posix, win32 } from 'node:path'
import type { ConfigPlaces } from '../config/machine-config.ts'
import { type Environment, variable } from './environment.ts'

/**
 * Where the container tools of this machine keep what they are set up with, by the rules of each: the user's own files
 * before the system's. `uid` is undefined on Windows.
 */
export function configPlaces(
  env: Environment,
  platform: string,
  home: string,
  uid: number | undefined,
): ConfigPlaces {
  const { join } = platform === 'win32' ? win32 : posix
  const userConfig = variable(env, 'XDG_CONFIG_HOME') ?? join(home, '.config')
  // Older podmans know nothing of XDG_CONFIG_HOME.
  const ofContainers = [...new Set([userConfig, join(home, '.config')])].map((each) =>
    join(each, 'containers'),
  )
  const userCache = variable(env, 'XDG_CACHE_HOME') ?? join(home, '.cache')
  const programData = join(variable(env, 'ProgramData', 'PROGRAMDATA') ?? 'C:\\ProgramData', 'docker')
  const dockerSystem =
    platform === 'win32' ? join(programData, 'config', 'daemon.json') : '/etc/docker/daemon.json'
  const dockerCerts = platform === 'win32' ? join(programData, 'certs.d') : '/etc/docker/certs.d'
  const containerdSystem =
    platform === 'win32'
      ? join(variable(env, 'ProgramFiles', 'PROGRAMFILES') ?? 'C:\\Program Files', 'containerd')
      : '/etc/containerd'
  return {
    registriesConf: registriesConfPlaces(env, ofContainers, join),
    shortNameCache: join(uid === 0 ? '/var/cache' : userCache, 'containers', 'short-name-aliases.conf'),
    containerd: {
      configs: [join(userConfig, 'containerd', 'config.toml'), join(containerdSystem, 'config.toml')],
      userHosts: [join(userConfig, 'containerd', 'certs.d')],
      systemHosts: [join(containerdSystem, 'certs.d'), dockerCerts],
    },
    // Docker Desktop, on any system, keeps its own in the home directory.
    dockerDaemon: [
      join(userConfig, 'docker', 'daemon.json'),
      dockerSystem,
      join(home, '.docker', 'daemon.json'),
    ],
    certsDirectories: [
      ...ofContainers.map((each) => join(each, 'certs.d')),
      '/etc/containers/certs.d',
      join(userConfig, 'docker', 'certs.d'),
      dockerCerts,
      join(home, '.docker', 'certs.d'),
    ],
  }
}

/** The user's registries.conf stands for the system's and its directory of additions, which otherwise both count. */
function registriesConfPlaces(
  env: Environment,
  users: readonly string[],
  join: (...parts: string[]) => string,
): ConfigPlaces['registriesConf'] {
  const named = variable(env, 'CONTAINERS_REGISTRIES_CONF', 'REGISTRIES_CONFIG_PATH')
  const ofUser = users.map((user) => {
    const main = join(user, 'registries.conf')
    return { main, dropIns: [`${main}.d`] }
  })
  const dropIns = ['/etc/containers/registries.conf.d', ...ofUser.flatMap((place) => place.dropIns)]
  if (named !== undefined) return [{ main: named, named: true, dropIns }]
  return [...ofUser, { main: '/etc/containers/registries.conf', dropIns }]
}
