import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

const algorithms = ['sha256', 'sha512']
/** A blob, or what has arrived of one. */
const blobFile = /^[0-9a-f]{64}([0-9a-f]{64})?(\..*)?$/

/** An archive that grew beside its place. */
const growing = /^archive\.tar\..*partial$/

/**
 * Empties a directory of blobs, and removes it unless there is something in it that is none. Never throws: what cannot be
 * removed stays.
 */
export async function removeBlobs(directory: string): Promise<void> {
  const blobs = join(directory, 'blobs')
  if (await isDirectory(blobs)) {
    await Promise.all(algorithms.map((algorithm) => removeFiles(join(blobs, algorithm), blobFile)))
  }
  await removeFiles(directory, growing)
  await removeEmptyPlaces(directory)
}

/** Not a link to one. */
async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** Removes the places for blobs in a directory, and the directory, as far as there is nothing at all in them. Never throws. */
export async function removeEmptyPlaces(directory: string): Promise<void> {
  const blobs = join(directory, 'blobs')
  if (await isDirectory(blobs)) {
    await Promise.all(algorithms.map((algorithm) => rmdir(join(blobs, algorithm)).catch(() => {})))
  }
  for (const emptied of [blobs, directory]) await rmdir(emptied).catch(() => {})
}

async function removeFiles(directory: string, ours: RegExp): Promise<void> {
  if (!(await isDirectory(directory))) return
  const names = await readdir(directory).catch(() => [])
  await Promise.all(
    names.filter((name) => ours.test(name)).map((name) => unlink(join(directory, name)).catch(() => {})),
  )
}
