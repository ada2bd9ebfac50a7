import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { mustRun, type RunOptions } from './run.ts'

/** A dockerd that belongs to the tests; all of its state is in the directory. */
export async function startDockerd(directory: string): Promise<Daemon> {
  const configuration = join(directory, 'daemon.json')
  // Otherwise the daemon's key would be put under /etc.
  await writeFile(configuration, JSON.stringify({ 'deprecated-key-path': join(directory, 'key.json') }))
  const places = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${join(directory, name)}`)
  const isolated = ['--storage-driver=vfs', '--iptables=false', '--bridge=none']
  const args = [`--config-file=${configuration}`, `--host=${socketOf(directory)}`, ...places, ...isolated]
  return startDaemon('dockerd', args, {
    log: join(directory, 'dockerd.log'),
    ready: /API listen on/,
    // `docker save` before 25 writes times, and with them layer ids, in the daemon's time zone.
    env: { ...process.env, TZ: 'UTC' },
  })
}

export interface Docker {
  /** Runs the docker client; resolves to its stdout. */
  (...args: readonly string[]): Promise<string>
  build(context: string, tag: string): Promise<string>
  /** Removes all images and containers, and proves that no layer is left: `docker load` does not even open one that it has. */
  empty(): Promise<void>
  imageIds(): Promise<readonly string[]>
}

/** A client of the dockerd of this directory. */
export function dockerOf(directory: string): Docker {
  const docker = (args: readonly string[], options: RunOptions = {}) =>
    mustRun('docker', ['--host', socketOf(directory), ...args], options)
  const list = async (...args: readonly string[]) =>
    (await docker(args)).split('\n').filter((line) => line !== '')
  const imageIds = async () => [...new Set(await list('images', '--all', '--no-trunc', '--quiet'))]
  return Object.assign((...args: readonly string[]) => docker(args), {
    imageIds,
    // BuildKit wants a client plug-in that Debian does not have.
    build: (context: string, tag: string) =>
      docker(['build', '--quiet', '--network=none', `--tag=${tag}`, context], {
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
      }),
    empty: async () => {
      const containers = await list('ps', '--all', '--quiet')
      if (containers.length > 0) await docker(['rm', '--force', ...containers])
      const images = await imageIds()
      if (images.length > 0) await docker(['rmi', '--force', ...images])
      const layers = await readdir(join(directory, 'data-root', 'image', 'vfs', 'layerdb', 'sha256')).catch(
        () => [],
      )
      if (layers.length > 0) throw new Error(`dockerd still has the layers ${layers.join(', ')}`)
    },
  })
}

function socketOf(directory: string): string {
  return `unix://${join(directory, 'docker.sock')}`
}
