import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from './run.ts'

/** What an empty podman has after `podman load` of an archive: image ids, and the names it printed. */
export async function loadIntoPodman(
  archive: string,
  temporaryDirectory: string,
): Promise<{ readonly ids: readonly string[]; readonly output: string }> {
  const home = await mkdtemp(join(temporaryDirectory, 'podman-'))
  const storage = [
    `--root=${join(home, 'root')}`,
    `--runroot=${join(home, 'run')}`,
    `--tmpdir=${join(home, 'tmp')}`,
  ]
  const podman = (...args: readonly string[]) =>
    mustRun('podman', [...storage, '--storage-driver=vfs', '--events-backend=none', ...args], {
      env: { ...process.env, TMPDIR: home },
    })
  try {
    const output = await podman('load', '--input', archive)
    const ids = await podman('images', '--all', '--no-trunc', '--quiet')
    return { ids: ids.split('\n'), output }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
