import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

const algorithms = ['sha256', 'sha512']
/** A blob, or what has arrived of one. */
const ours = /^[0-9a-f]{64}([0-9a-f]{64})?(\..*)?$/

/**
 * Empties a directory of blobs, and removes it unless there is something in it that is none. Never throws: what cannot be
 * removed stays.
 */
export async function removeBlobs(directory: string): Promise<void> {
  const blobs = join(directory, 'blobs')
  if (await isDirectory(blobs)) {
    for (const algorithm of algorithms) await removeFiles(join(blobs, algorithm))
  }
  for (const emptied of [blobs, directory]) await rmdir(emptied).catch(() => {})
}

/** Not a link to one. */
async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function removeFiles(directory: string): Promise<void> {
  if (!(await isDirectory(directory))) return
  const names = await readdir(directory).catch(() => [])
  for (const name of names) {
    if (ours.test(name)) await rm(join(directory, name)).catch(() => {})
  }
  await rmdir(directory).catch(() => {})
}
