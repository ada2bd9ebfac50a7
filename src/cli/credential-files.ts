import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Environment, variable } from './environment.ts'

/** A file of stored credentials. */
export interface CredentialFile {
  readonly path: string
  /** Docker's `.dockercfg` of old. */
  readonly legacy?: boolean
  /** A variable points to it; the others are where docker and podman look on their own. */
  readonly named?: boolean
}

/** A file or directory that a variable names is the only one; otherwise podman's places come before docker's. */
export function credentialFiles(
  env: Environment,
  platform: string = process.platform,
): readonly CredentialFile[] {
  const registryAuthFile = variable(env, 'REGISTRY_AUTH_FILE')
  if (registryAuthFile) return [{ path: registryAuthFile, named: true }]
  const dockerConfig = variable(env, 'DOCKER_CONFIG')
  if (dockerConfig) return [{ path: join(dockerConfig, 'config.json'), named: true }]
  const home = variable(env, platform === 'win32' ? 'USERPROFILE' : 'HOME') ?? homedir()
  const userFile = join(home, '.config', 'containers', 'auth.json')
  const podmanFiles = [
    platform === 'linux' ? runtimeFile(env) : userFile,
    join(variable(env, 'XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json'),
  ]
  return [
    ...[...new Set(podmanFiles)].map((path) => ({ path })),
    { path: join(home, '.docker', 'config.json') },
    { path: join(home, '.dockercfg'), legacy: true },
  ]
}

/** Where podman keeps a login until the next boot. */
function runtimeFile(env: Environment): string {
  const directory = variable(env, 'XDG_RUNTIME_DIR')
  return directory
    ? join(directory, 'containers', 'auth.json')
    : `/run/containers/${process.getuid?.() ?? 0}/auth.json`
}
