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
  /** The variable names the very file, perhaps as `<(…)`. */
  readonly mayBePipe?: boolean
}

/** A file or directory that a variable names is the only one; otherwise podman's places come before docker's. */
export function credentialFiles(
  env: Environment,
  platform: string = process.platform,
): readonly CredentialFile[] {
  const named = namedFile(env)
  if (named !== undefined)
    return [{ path: named, named: true, mayBePipe: variable(env, 'REGISTRY_AUTH_FILE') !== undefined }]
  const home = homeOf(env, platform)
  const userFile = join(home, '.config', 'containers', 'auth.json')
  const podmanFiles = [
    platform === 'linux' ? runtimeFile(env) : userFile,
    join(variable(env, 'XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json'),
  ]
  return [
    ...[...new Set(podmanFiles)].map((path) => ({ path })),
    { path: dockerFile(home) },
    { path: join(home, '.dockercfg'), legacy: true },
  ]
}

/** The one file that a login is stored in: docker's, unless a variable names another. */
export function loginFile(env: Environment): string {
  return namedFile(env) ?? dockerFile(homeOf(env, process.platform))
}

function namedFile(env: Environment): string | undefined {
  const directory = variable(env, 'DOCKER_CONFIG')
  return variable(env, 'REGISTRY_AUTH_FILE') ?? (directory && join(directory, 'config.json'))
}

function dockerFile(home: string): string {
  return join(home, '.docker', 'config.json')
}

function homeOf(env: Environment, platform: string): string {
  return variable(env, platform === 'win32' ? 'USERPROFILE' : 'HOME') ?? homedir()
}

/** Where podman keeps a login until the next boot. */
function runtimeFile(env: Environment): string {
  const directory = variable(env, 'XDG_RUNTIME_DIR')
  return directory
    ? join(directory, 'containers', 'auth.json')
    : `/run/containers/${process.getuid?.() ?? 0}/auth.json`
}
