import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

// What Debian calls the packages is in .ci/run, which installs them.
const programs = [
  ...['dockerd', 'docker', 'docker-registry', 'podman', 'buildah', 'skopeo', 'umoci'],
  ...['squid', 'tinyproxy', 'danted', 'unshare', 'htpasswd', 'openssl', 'ip', 'tar', 'bsdtar', 'busybox'],
]

/** Why the tests against real engines cannot run on this machine, in a few words each; empty when they can. */
export function missingEngines(): readonly string[] {
  if (process.platform !== 'linux') return [`they run on Linux, not on ${process.platform}`]
  return [
    ...(process.getuid?.() === 0 ? [] : ['dockerd and network namespaces need root']),
    ...programs.filter((program) => !isInstalled(program)).map((program) => `${program} is not installed`),
  ]
}

/** Where a missing engine is a failure and not a reason to skip. */
export function enginesAreRequired(env: NodeJS.ProcessEnv): boolean {
  return isSet(env.CI) || isSet(env.DRAY_REQUIRE_ENGINES)
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => isExecutable(join(directory, program)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value)
}
